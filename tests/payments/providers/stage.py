"""An account at a vendor's stand-in, and what a payer, the vendor and billing may do there: the words of the tests."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.payments.credentials import provider_for
from cms_billing.payments.providers import (
    ChargeRequest,
    Notice,
    Page,
    PageNotice,
    PageRequest,
    PayerFacts,
    RefundNotice,
    RefundRequest,
    StoredMethod,
)
from cms_billing.testing.factories import ProviderAccountFactory
from cms_billing.testing.models import VendorFault
from cms_billing.testing.vendors.behaviours import Behaviour

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
TODAY = NOON.date()
TEN = Money.of("10.00", "EUR")
WEBHOOK_URL = "https://shop.example.com/billing/webhooks/{vendor}/main/"
Fault = VendorFault.Kind


class ProviderStage:
    """Where a vendor differs, its tests override the small methods at the top."""

    vendor: str
    path: str
    secrets: Mapping[str, str]
    # Start of the path of the requests that charge and refund, for faults.
    charge_path: str = ""
    refund_path: str = ""
    # The page's payment is pending after this behaviour, and what becomes of it days later.
    pending_page = Behaviour.GOOD_ACCOUNT
    # A zero amount stores these.
    stored_for_nothing = Behaviour.GOOD_CARD

    # -- what vendors may override --------------------------------------------------------------------------------

    def choose(self, page: Page, behaviour: Behaviour) -> str:
        """The payer decides on the hosted page; returns where the vendor sends them."""
        return self.hosted(page).pay(behaviour)

    def cancel(self, page: Page) -> str:
        return self.hosted(page).cancel()

    def hosted(self, page: Page) -> Any:
        return self.stand_in.hosted_page(page.url.split("?")[0].rstrip("/").rsplit("/", 1)[-1])

    def expire(self, page: Page) -> None:
        """Time goes by until nobody can pay on the page any more."""
        clock_shift = timedelta(days=40)
        with clock.frozen(NOON + clock_shift):
            self.stand_in.let_time_pass()

    def history(self) -> Sequence[bytes]:
        """For providers that cannot be asked: what the webhooks said so far."""
        return ()

    # -- the stage ------------------------------------------------------------------------------------------------

    @property
    def stand_in(self) -> Any:
        return import_module(f"cms_billing.testing.vendors.{self.vendor}")

    @pytest.fixture(autouse=True)
    def stage(self, settings: Any, db: Any) -> Any:
        settings.CMS_BILLING = {
            **settings.CMS_BILLING,
            "PROVIDERS": {**settings.CMS_BILLING["PROVIDERS"], self.vendor: self.path},
            "PROVIDER_ACCOUNTS": {f"{self.vendor}/main": {**self.secrets, "SESSION": self.session}},
        }
        with clock.frozen(NOON):
            yield

    session = "cms_billing.testing.vendors.new_session"

    @pytest.fixture
    def account(self, stage: Any) -> Any:
        return ProviderAccountFactory(
            provider=self.vendor, slug="main", requests_per_second=500, **self.account_columns
        )

    account_columns: Mapping[str, Any] = {}

    @pytest.fixture
    def provider(self, account: Any) -> Any:
        return provider_for(account)

    def page_request(self, **changes: Any) -> PageRequest:
        facts: dict[str, Any] = {
            "idempotency_key": uuid.uuid4(),
            "amount": TEN,
            "description": "Order 1",
            "payer": PayerFacts(
                key=f"m-{uuid.uuid4()}", email="a@example.com", name="A Member", language="de"
            ),
            "return_url": "https://shop.example.com/back/1/",
            "cancel_url": "https://shop.example.com/back/1/?cancelled=1",
            "webhook_url": WEBHOOK_URL.format(vendor=self.vendor),
            "stores_method": True,
        }
        return PageRequest(**{**facts, **changes})

    def look_up_page(self, provider: Any, page: Page, request: PageRequest) -> PageNotice:
        notice = provider.look_up_page(
            reference=page.reference,
            idempotency_key=request.idempotency_key,
            payer_reference=page.payer_reference,
            history=self.history(),
        )
        assert notice is not None
        return notice

    def visited(self, provider: Any, behaviour: Behaviour, **changes: Any) -> PageNotice:
        request = self.page_request(**changes)
        page = provider.open_page(request)
        self.choose(page, behaviour)
        return self.look_up_page(provider, page, request)

    def stored(self, provider: Any, behaviour: Behaviour) -> tuple[str, StoredMethod]:
        """What the vendor calls the payer, and the method they stored with a first payment."""
        request = self.page_request()
        page = provider.open_page(request)
        self.choose(page, behaviour)
        if self.look_up_page(provider, page, request).method is None:
            with clock.frozen(clock.now() + timedelta(days=6)):
                self.stand_in.let_time_pass()
        notice = self.look_up_page(provider, page, request)
        assert notice.method is not None
        assert notice.method.usable
        return notice.payer_reference, notice.method

    def charge_request(self, payer: str, method: StoredMethod, **changes: Any) -> ChargeRequest:
        facts: dict[str, Any] = {
            "idempotency_key": uuid.uuid4(),
            "amount": TEN,
            "method_reference": method.reference,
            "description": "RE-1",
            "issuer_id": 1,
            "payer_reference": payer,
            "kind": method.kind,
            "webhook_url": WEBHOOK_URL.format(vendor=self.vendor),
            "return_url": "https://shop.example.com/back/",
        }
        return ChargeRequest(**{**facts, **changes})

    def charged(self, provider: Any, behaviour: Behaviour, **changes: Any) -> tuple[ChargeRequest, Notice]:
        payer, method = self.stored(provider, behaviour)
        request = self.charge_request(payer, method, **changes)
        return request, provider.charge(request)

    def asked(self, provider: Any, request: ChargeRequest, reference: str = "") -> Notice | None:
        return provider.look_up(
            reference=reference,
            idempotency_key=request.idempotency_key,
            method_reference=request.method_reference,
            history=self.history(),
        )

    def known(self, provider: Any, request: ChargeRequest, reference: str = "") -> Notice:
        notice = self.asked(provider, request, reference)
        assert notice is not None
        return notice

    def fault(self, kind: Fault, path: str = "", method: str = "POST", times: int = 1) -> None:
        VendorFault.objects.create(vendor=self.vendor, kind=kind, path=path, method=method, times=times)

    def refunded(self, provider: Any, reference: str, minor: int) -> tuple[RefundRequest, RefundNotice]:
        request = RefundRequest(uuid.uuid4(), reference, Money(minor, "EUR"), "Credit note 1", 1)
        return request, provider.refund(request)

    def known_refund(self, provider: Any, request: RefundRequest, reference: str = "") -> RefundNotice | None:
        return provider.look_up_refund(
            reference=reference,
            payment_reference=request.payment_reference,
            idempotency_key=request.idempotency_key,
            history=self.history(),
        )
