"""How agreements stand, read from the books in a constant number of statements, and what that holds back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from cms_billing.core.money import Money
from cms_billing.core.texts import amount_text, day_text
from cms_billing.faktura.models import OpenItem
from cms_billing.faktura.rules import spread_payment
from cms_billing.payments.charge_holds import ChargeHold
from cms_billing.payments.page_offers import DuePart

from . import agreements as rules
from .agreements import Part, Verdict
from .hindrances import Item
from .models import Agreement, AgreementDocument, Instalment
from .rules import Hindrance, Reason

REASONS = {
    Agreement.Kind.PROMISE: Reason.PROMISE,
    Agreement.Kind.INSTALMENTS: Reason.INSTALMENT_PLAN,
    Agreement.Kind.DEFERRAL: Reason.DEFERRED,
}
# A promise is about the member's own transfer: what is collected by itself goes on.
HOLD_CHARGES = (Agreement.Kind.INSTALMENTS, Agreement.Kind.DEFERRAL)


@dataclass(frozen=True)
class AgreementFacts:
    """An agreement with its parts and what the ledger says of its documents; ``open_by_document`` the oldest first."""

    agreement: Agreement
    parts: tuple[Part, ...]
    paid_minor: int
    open_by_document: tuple[tuple[int, int], ...]

    @property
    def open_minor(self) -> int:
        return sum(max(0, minor) for _pk, minor in self.open_by_document)

    @property
    def documents(self) -> list[int]:
        return [pk for pk, _minor in self.open_by_document]

    @property
    def paid(self) -> Money:
        """Of what was agreed on, never more than that."""
        return Money(max(0, min(self.paid_minor, self.agreement.amount_minor)), self.agreement.currency)

    @property
    def percent_paid(self) -> int:
        return self.paid.minor * 100 // self.agreement.amount_minor

    def verdict(self, *, today: date) -> Verdict:
        return rules.judge(
            self.parts,
            paid_minor=self.paid_minor,
            open_minor=self.open_minor,
            grace_days=self.agreement.grace_days,
            today=today,
        )

    def next_payment(self, *, today: date) -> tuple[Money, date] | None:
        """What to pay next and by when; None where nothing is left."""
        found = rules.next_payment(
            self.parts, paid_minor=self.paid_minor, open_minor=self.open_minor, today=today
        )
        return (Money(found[0], self.agreement.currency), found[1]) if found else None

    def chargeable(self, *, today: date) -> dict[int, int]:
        """By document: what is due of it by today, the oldest first."""
        due = rules.payable_now(
            self.parts, paid_minor=self.paid_minor, open_minor=self.open_minor, today=today
        )
        spread, _left = spread_payment(due, [(pk, minor) for pk, minor in self.open_by_document if minor > 0])
        return dict(spread)


def facts_of(agreements: Iterable[Agreement]) -> list[AgreementFacts]:
    """In the order given; two statements, whatever the number."""
    wanted = list(agreements)
    keys = [agreement.pk for agreement in wanted]
    if not keys:
        return []
    parts: dict[int, list[Instalment]] = defaultdict(list)
    for instalment in Instalment.objects.filter(agreement__in=keys).order_by("due_on", "number"):
        parts[instalment.agreement_id].append(instalment)
    rows: dict[int, list[AgreementDocument]] = defaultdict(list)
    documents = AgreementDocument.objects.filter(agreement__in=keys).select_related("document__open_item")
    for row in documents.order_by("document__open_item__due_on", "document"):
        rows[row.agreement_id].append(row)
    return [_facts(agreement, parts[agreement.pk], rows[agreement.pk]) for agreement in wanted]


def _facts(
    agreement: Agreement, parts: Sequence[Instalment], rows: Sequence[AgreementDocument]
) -> AgreementFacts:
    return AgreementFacts(
        agreement,
        tuple(Part(p.number, p.due_on, Money(p.amount_minor, agreement.currency)) for p in parts),
        sum(_paid(row, row.document.open_item) for row in rows),
        tuple((row.document_id, row.document.open_item.open_minor) for row in rows),
    )


def _paid(row: AgreementDocument, item: OpenItem) -> int:
    return rules.paid_of(
        agreed_minor=row.agreed_minor,
        charges_minor=row.charges_minor,
        open_minor=max(0, item.open_minor),
        charges_now_minor=item.charges_minor,
    )


def running_about(document_ids: Collection[int]) -> list[AgreementFacts]:
    """The running agreements that have one of these documents in them; one statement where there are none."""
    keys = AgreementDocument.objects.filter(document__in=document_ids, running=True).values("agreement")
    return facts_of(Agreement.objects.filter(pk__in=keys).order_by("pk"))


def letters_held(items: Sequence[Item], today: date) -> Mapping[int, Hindrance]:
    """For ``hindrances``: no letter while an agreement runs, its next payment told."""
    held: dict[int, Hindrance] = {}
    for facts in running_about([item.document_id for item in items]):
        hindrance = _hindrance(facts, today=today)
        if hindrance is not None:
            held |= dict.fromkeys(facts.documents, hindrance)
    return held


def _hindrance(facts: AgreementFacts, *, today: date) -> Hindrance | None:
    agreement, verdict = facts.agreement, facts.verdict(today=today)
    until = rules.held_until(verdict, grace_days=agreement.grace_days, today=today)
    if until is None:
        return None
    missing = amount_text(Money(verdict.missing_minor, agreement.currency))
    return Hindrance(REASONS[Agreement.Kind(agreement.kind)], until, missing)


def charges_held(document_ids: Collection[int], today: date) -> Mapping[int, ChargeHold]:
    """For ``payments.charge_holds``: of an instalment plan only what is due, of a deferral nothing before its day."""
    held: dict[int, ChargeHold] = {}
    for facts in running_about(document_ids):
        if facts.agreement.kind in HOLD_CHARGES:
            due, reason = facts.chargeable(today=today), hold_reason(facts)
            held |= {pk: ChargeHold(reason, due.get(pk, 0)) for pk in facts.documents}
    return held


def due_parts(document_ids: Collection[int], today: date) -> list[DuePart]:
    """For the payment page: the next payment of each instalment plan that is about these documents and no others."""
    shown = set(document_ids)
    found = []
    for facts in running_about(document_ids):
        asked = facts.next_payment(today=today)
        still_open = tuple(pk for pk, minor in facts.open_by_document if minor > 0)
        if asked is None or not shown.issuperset(still_open) or asked[0].minor >= facts.open_minor:
            continue
        found.append(DuePart(facts.agreement.pk, still_open, *asked))
    return found


def hold_reason(facts: AgreementFacts) -> str:
    return _("Agreed: %(agreement)s until %(day)s.") % {
        "agreement": facts.agreement,
        "day": day_text(facts.agreement.until),
    }
