"""How the cards and accounts behave that a visitor chooses on a stand-in's page. All vendors' stand-ins share them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

SEPA_DAYS = 5
DISPUTE_DAYS = 10


class Behaviour(TextChoices):
    """Kept as ``hidden={"behaviour": …}`` on the stored method; charges without the payer follow it."""

    GOOD_CARD = "good-card", _("Card that works")
    REFUSED_CARD = "refused-card", _("Card that is refused")
    CAREFUL_CARD = "careful-card", _("Card that asks for authentication")
    DISPUTED_CARD = "disputed-card", _("Card whose owner takes the money back 10 days later")
    EMPTY_CARD = "empty-card", _("Card that works once, later has not enough money")
    STOLEN_CARD = "stolen-card", _("Card that works once, later is reported stolen")
    GOOD_ACCOUNT = "good-account", _("SEPA account: settles after 5 days")
    EMPTY_ACCOUNT = "empty-account", _("SEPA account: returned after 5 days")

    @property
    def is_card(self) -> bool:
        return self.value.endswith("-card")

    @property
    def asks_for_authentication(self) -> bool:
        return self is Behaviour.CAREFUL_CARD


class Result(Enum):
    """Vendors have codes of their own for the refusals."""

    PAID = "paid"
    DECLINED = "declined"
    NOT_ENOUGH_MONEY = "not enough money"
    STOLEN = "stolen"
    PAID_LATER = "paid later"
    RETURNED_LATER = "returned later"


@dataclass(frozen=True)
class Course:
    """What becomes of one payment. ``days`` until a later result, ``disputed_after`` days until a chargeback."""

    result: Result
    days: int = 0
    disputed_after: int | None = None

    @property
    def is_refusal(self) -> bool:
        return self.result in (Result.DECLINED, Result.NOT_ENOUGH_MONEY, Result.STOLEN)


_PAID = Course(Result.PAID)
_LATER = {
    Behaviour.GOOD_ACCOUNT: Course(Result.PAID_LATER, days=SEPA_DAYS),
    Behaviour.EMPTY_ACCOUNT: Course(Result.RETURNED_LATER, days=SEPA_DAYS),
    Behaviour.DISPUTED_CARD: Course(Result.PAID, disputed_after=DISPUTE_DAYS),
}
_FIRST = {**_LATER, Behaviour.REFUSED_CARD: Course(Result.DECLINED)}
_REPEATED = {
    **_LATER,
    Behaviour.REFUSED_CARD: Course(Result.DECLINED),
    Behaviour.EMPTY_CARD: Course(Result.NOT_ENOUGH_MONEY),
    Behaviour.STOLEN_CARD: Course(Result.STOLEN),
}


def first_course(behaviour: str) -> Course:
    """Of a payment that the payer makes on the page."""
    return _FIRST.get(Behaviour(behaviour), _PAID)


def repeated_course(behaviour: str) -> Course:
    """Of a charge without the payer."""
    return _REPEATED.get(Behaviour(behaviour), _PAID)
