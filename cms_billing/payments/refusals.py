"""Refusals explained: what may be done about one, and in which words members and editors hear of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .refusal_codes import Meaning, RefusalClass, class_of_advice, known, wait_of_advice, worst
from .refusal_texts import FOR_MEMBERS

FOR_EDITORS: Mapping[Meaning, Promise] = {
    Meaning.NO_MONEY: _("not enough money"),
    Meaning.LIMIT: _("limit of the card reached"),
    Meaning.EXPIRED: _("card expired"),
    Meaning.WRONG_DATA: _("wrong card details"),
    Meaning.AUTHENTICATION: _("the payer has to confirm the payment (strong authentication)"),
    Meaning.LOST: _("card reported lost or stolen"),
    Meaning.BLOCKED: _("card blocked"),
    Meaning.FRAUD: _("suspected fraud"),
    Meaning.NOT_SUPPORTED: _("card or account not allowed for this payment"),
    Meaning.ACCOUNT_CLOSED: _("account closed, or closed to direct debits"),
    Meaning.NO_MANDATE: _("mandate missing or ended"),
    Meaning.WITHDRAWN: _("the payer has withdrawn the permission"),
    Meaning.OBJECTED: _("returned at the payer's request"),
    Meaning.BANK_NOT_REACHED: _("bank not reachable"),
    Meaning.DECLINED: _("declined without reason"),
    Meaning.UNKNOWN: _("reason unknown"),
}

CLASS_LABELS: Mapping[RefusalClass, Promise] = {
    RefusalClass.HARD: _("never again with this card or account"),
    RefusalClass.NEEDS_MEMBER: _("the member has to do something"),
    RefusalClass.SOFT: _("may work later"),
    RefusalClass.UNKNOWN: _("unknown"),
}


@dataclass(frozen=True)
class Overruling:
    """What an editor decided for one code, from a day on. It does not overrule a card network's advice."""

    provider: str
    code: str
    kind: RefusalClass
    valid_from: date


@dataclass(frozen=True)
class Refusal:
    """One refusal. ``wait_days``: the card network asks to wait so long. ``code`` and ``advice`` are for editors.

    ``ends_the_method``: the card or account itself is dead, for every document.
    """

    kind: RefusalClass
    meaning: Meaning
    code: str = ""
    advice: str = ""
    wait_days: int = 0
    ends_the_method: bool = False

    @property
    def member_text(self) -> str:
        return str(FOR_MEMBERS[self.meaning])

    @property
    def editor_text(self) -> str:
        """Such as "not enough money (insufficient_funds)"."""
        raw = " ".join(filter(None, [self.code, self.advice]))
        return f"{FOR_EDITORS[self.meaning]} ({raw})" if raw else str(FOR_EDITORS[self.meaning])


def refusal_of(
    provider: str,
    code: str,
    advice: str = "",
    *,
    final: bool = False,
    overrulings: Iterable[Overruling] = (),
    today: date | None = None,
) -> Refusal:
    """What a refusal means. Where code and advice differ the worse one counts; ``final`` makes it hard.

    An overruling replaces what the code says, and ``final``; of several the latest that is valid ``today``.
    """
    told, meaning = known(provider, code)
    decided = _decided(overrulings, provider, code, today)
    if decided is not None:
        told, final = decided, False
    elif final and told is not RefusalClass.NEEDS_MEMBER:
        told = RefusalClass.HARD
    kind = worst([told, class_of_advice(advice)])
    ends = final or kind is RefusalClass.HARD
    return Refusal(kind, meaning, code, advice, wait_of_advice(advice), ends)


def _decided(
    overrulings: Iterable[Overruling], provider: str, code: str, today: date | None
) -> RefusalClass | None:
    mine = [
        rule
        for rule in overrulings
        if (rule.provider, rule.code) == (provider, code) and (today is None or rule.valid_from <= today)
    ]
    return max(mine, key=lambda rule: rule.valid_from).kind if mine and code else None
