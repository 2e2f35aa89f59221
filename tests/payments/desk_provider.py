"""A provider with accounts, keys and payouts for the desk's tests: what it answers, the test puts into ``ANSWERS``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction

from cms_billing.core.exceptions import PermanentFailure
from cms_billing.payments.providers import (
    AccountRefused,
    Capabilities,
    Notice,
    PayoutNotice,
    Probed,
    ProviderDown,
    Secret,
    Status,
)

from .page_provider import PageFake


@dataclass
class Answers:
    """``notices`` by account slug and payment reference; ``made`` what ``payments_between`` lists."""

    probed: Any = field(default_factory=lambda: Probed("Muster GmbH", is_live=False))
    notices: dict[tuple[str, str], Notice] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    payouts: list[PayoutNotice] = field(default_factory=list)
    is_down: bool = False
    asked: list[Any] = field(default_factory=list)

    def reset(self) -> None:
        self.__init__()  # type: ignore[misc]


ANSWERS = Answers()


class DeskFake(PageFake):
    code = "desk"
    label = "Desk Pay"
    capabilities = Capabilities(
        charges=True,
        webhooks=True,
        refunds=True,
        accounts=True,
        pages=True,
        payouts=True,
        first_kinds=("card", "ideal"),
        repeated_kinds=("card", "sepa_debit"),
    )
    secrets: Sequence[Any] = (
        Secret("SECRET_KEY", "Secret key"),
        Secret("WEBHOOK_SECRET", "Signing secret of the webhook", required=False),
    )
    account_fields: Sequence[str] = ()
    payout_references: Sequence[str] = ("REPORTS",)
    webhook_events = "payment.paid\npayment.failed"

    def probe(self) -> Probed:
        _no_transaction()
        secrets = self.account.secrets if self.account else {}
        ANSWERS.asked.append("probe")
        if secrets.get("SECRET_KEY") == "wrong":
            raise AccountRefused("The provider does not accept the key wrong.")
        if isinstance(ANSWERS.probed, Exception):
            raise ANSWERS.probed
        return ANSWERS.probed

    def look_up(self, *, reference: str, **kwargs: Any) -> Notice | None:
        _no_transaction()
        if ANSWERS.is_down:
            raise ProviderDown("Desk Pay does not answer.")
        slug = self.account.slug if self.account else ""
        ANSWERS.asked.append((slug, reference))
        return ANSWERS.notices.get((slug, reference))

    def payouts(self, *, since: date, history: Sequence[bytes] = ()) -> Iterable[PayoutNotice]:
        _no_transaction()
        ANSWERS.asked.append(("payouts", since))
        for payout in ANSWERS.payouts:
            if ANSWERS.is_down:
                raise ProviderDown("Desk Pay does not answer.")
            yield payout

    def payments_between(self, *, start: datetime, end: datetime) -> Iterable[str]:
        _no_transaction()
        if ANSWERS.is_down:
            raise ProviderDown("Desk Pay does not answer.")
        ANSWERS.asked.append(("between", start, end))
        return iter(ANSWERS.made)

    def read_report(self, content: bytes) -> Iterable[PayoutNotice]:
        if not content.startswith(b"report"):
            raise PermanentFailure("This is no report of Desk Pay.")
        return iter(ANSWERS.payouts)


def settled(slug: str, reference: str) -> None:
    ANSWERS.notices[slug, reference] = Notice(reference, Status.SETTLED)


def _no_transaction() -> None:
    """Tests run in one transaction of their own; savepoints above it are what a service opened."""
    blocks = transaction.get_connection().savepoint_ids
    if blocks:
        raise RuntimeError("The provider was asked inside a transaction.")


def listed(settings: Any, **accounts: Mapping[str, str]) -> None:
    """List it in the settings, with secrets by account slug."""
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "PROVIDERS": {
            **settings.CMS_BILLING["PROVIDERS"],
            "desk": "tests.payments.desk_provider.DeskFake",
        },
        "PROVIDER_ACCOUNTS": {f"desk/{slug}": secrets for slug, secrets in accounts.items()},
    }
