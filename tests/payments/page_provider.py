"""A provider with hosted pages, whose books are a dictionary: what the payer does on the page, the test says."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cms_billing.core.money import Money
from cms_billing.payments.providers import (
    Account,
    Capabilities,
    ChargeRequest,
    Notice,
    OutcomeUnknown,
    Page,
    PageNotice,
    PageRequest,
    PageStatus,
    Probed,
    RefundNotice,
    RefundRequest,
    Status,
    StoredMethod,
    WebhookRefused,
)


@dataclass
class Visited:
    request: PageRequest
    notice: PageNotice
    closed: bool = False


PAGES: dict[str, Visited] = {}
LOST_ANSWERS: list[str] = []
# Raised by the next page that is asked for, last one first.
REFUSALS: list[Exception] = []
# What it keeps, by the payer's reference, and the references it was told to forget.
KEPT: dict[str, list[StoredMethod]] = {}
FORGOTTEN: list[str] = []
CARD = StoredMethod(reference="card-1", kind="card", label="Visa •••• 4242", fingerprint="f1")


def empty_books() -> None:
    for books in (PAGES, LOST_ANSWERS, REFUSALS, KEPT, FORGOTTEN):
        books.clear()


def refuse(reference: str, code: str = "insufficient_funds") -> None:
    """The payer tries, and the bank refuses."""
    page = PAGES[reference]
    payment = Notice(
        f"pay_{reference}", Status.FAILED, idempotency_key=page.request.idempotency_key, code=code
    )
    page.notice = replace(page.notice, status=PageStatus.FAILED, payment=payment)


def pay(reference: str, status: Status = Status.SETTLED, *, method: StoredMethod | None = CARD) -> None:
    """The payer completes the page."""
    page = PAGES[reference]
    payment = Notice(f"pay_{reference}", status, idempotency_key=page.request.idempotency_key)
    page.notice = replace(
        page.notice,
        status=PageStatus.COMPLETED,
        payment=payment if page.request.amount else None,
        method=method if page.request.stores_method else None,
    )


class PageFake:
    code = "pages"
    label = "Pages"
    capabilities = Capabilities(
        charges=True,
        webhooks=True,
        refunds=True,
        accounts=True,
        pages=True,
        methods=True,
        first_kinds=("card", "ideal"),
    )
    secrets: Sequence[Any] = ()

    def __init__(self, account: Account | None = None) -> None:
        self.account = account

    def probe(self) -> Probed:
        return Probed("Pages", is_live=False)

    def open_page(self, request: PageRequest) -> Page:
        if REFUSALS:
            raise REFUSALS.pop()
        reference = f"page_{request.idempotency_key.hex[:12]}"
        notice = PageNotice(reference, PageStatus.OPEN, idempotency_key=request.idempotency_key)
        PAGES.setdefault(reference, Visited(request, notice))
        if LOST_ANSWERS:
            raise OutcomeUnknown(LOST_ANSWERS.pop())
        return Page(
            reference, f"https://pages.example/{reference}", payer_reference=f"cus_{request.payer.key}"
        )

    def look_up_page(
        self,
        *,
        reference: str,
        idempotency_key: uuid.UUID,
        payer_reference: str = "",
        returned_with: Mapping[str, str] | None = None,
        history: Sequence[bytes] = (),
    ) -> PageNotice | None:
        return PAGES[reference].notice if reference in PAGES else None

    def close_page(self, *, reference: str) -> bool:
        page = PAGES[reference]
        page.closed = True
        if page.notice.status is PageStatus.OPEN:
            page.notice = replace(page.notice, status=PageStatus.CANCELLED)
        return True

    def methods_of(self, *, payer_reference: str) -> Sequence[StoredMethod]:
        return KEPT.get(payer_reference, [])

    def forget_method(self, *, reference: str, payer_reference: str) -> None:
        FORGOTTEN.append(reference)

    def charge(self, request: ChargeRequest) -> Notice:
        return Notice(
            f"pay_{request.idempotency_key.hex}", Status.SETTLED, idempotency_key=request.idempotency_key
        )

    def look_up(
        self,
        *,
        reference: str,
        idempotency_key: uuid.UUID | None,
        method_reference: str = "",
        history: Sequence[bytes] = (),
    ) -> Notice | None:
        paid = (page.notice.payment for page in PAGES.values() if page.notice.payment)
        return next((notice for notice in paid if notice.reference == reference), None)

    def read_webhook(self, *, body: bytes, headers: Mapping[str, str]) -> list[str]:
        if headers.get("X-Signed") != "yes":
            raise WebhookRefused("Not signed.")
        return body.decode().split()

    def refund(self, request: RefundRequest) -> RefundNotice:
        raise NotImplementedError

    def look_up_refund(self, **kwargs: Any) -> RefundNotice | None:
        return None

    def instructions(self, *, issuer: Any, amount: Money, purpose: str) -> Mapping[str, Any] | None:
        return None
