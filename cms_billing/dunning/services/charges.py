"""What a letter claims beside its invoices: posted with it, in few statements for many customers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from cms_billing.core import clock
from cms_billing.core.bulk import insert_rows
from cms_billing.core.money import Money
from cms_billing.core.texts import amount_text
from cms_billing.faktura.models import Document, Issuer, LedgerEntry
from cms_billing.faktura.services.ledger import Fee, post_fees

from ..letters import Letter
from ..models import Case, CaseStep, Charge

_LEDGER = {Charge.Kind.INTEREST: LedgerEntry.Kind.INTEREST}


class _New(NamedTuple):
    case: Case
    kind: Charge.Kind
    amount: Money
    letter: Document
    details: list[dict[str, object]]


def post_charges(
    issuer: Issuer,
    letters: Sequence[Letter],
    documents: Sequence[Document],
    cases: Mapping[int, Case],
    *,
    today: date,
    user_id: int | None = None,
) -> list[Charge]:
    """Fee, flat compensation and interest of the letters: ledger entries, charges, a step each case.

    ``cases`` by document id, written already; customers and open items are locked.
    """
    new = [
        charge
        for letter, document in zip(letters, documents, strict=True)
        for charge in _of_letter(letter, document, cases)
    ]
    _note_default(letters, cases)
    if not new:
        return []
    entries = post_fees(issuer_id=issuer.pk, fees=[_fee(charge) for charge in new], booked_on=today)
    charges = [
        Charge(
            case=charge.case,
            kind=charge.kind,
            amount_minor=charge.amount.minor,
            currency=charge.amount.currency,
            booked_on=today,
            letter=charge.letter,
            ledger_entry=entry,
            details=charge.details,
        )
        for charge, entry in zip(new, entries, strict=True)
    ]
    insert_rows(Charge, charges)
    insert_rows(CaseStep, list(_steps(new, user_id=user_id)))
    return charges


def _of_letter(letter: Letter, document: Document, cases: Mapping[int, Case]) -> Iterator[_New]:
    currency = letter.draft.currency

    def new(claimed_on: int, kind: Charge.Kind, minor: int, details: Any = ()) -> Iterator[_New]:
        if minor:
            yield _New(cases[claimed_on], kind, Money(minor, currency), document, list(details))

    yield from new(letter.fee_document, Charge.Kind.FEE, letter.fee_minor)
    for claim in letter.claims:
        if (charges := claim.charges) is not None:
            claimed_on = claim.item.document_id
            rows = [row.stored() for row in charges.rows]
            yield from new(claimed_on, Charge.Kind.FLAT, charges.flat_minor)
            yield from new(claimed_on, Charge.Kind.INTEREST, charges.interest_minor, rows)


def _fee(charge: _New) -> Fee:
    return Fee(
        customer_id=charge.case.customer_id,
        document_id=charge.case.document_id,
        amount=charge.amount,
        related_document_id=charge.letter.pk,
        kind=_LEDGER.get(charge.kind, LedgerEntry.Kind.FEE),
    )


def _steps(new: Sequence[_New], *, user_id: int | None) -> Iterator[CaseStep]:
    by_case: dict[int, list[_New]] = defaultdict(list)
    for charge in new:
        by_case[charge.case.pk].append(charge)
    now = clock.now()
    for charges in by_case.values():
        case = charges[0].case
        reason = ", ".join(f"{charge.kind.label} {amount_text(charge.amount)}" for charge in charges)
        # The letter is in the step of the letter: a case is once in a letter.
        yield CaseStep(
            case=case,
            at=now,
            kind=CaseStep.Kind.CHARGED,
            level=charges[0].letter.extra.get("level", case.level),
            reason=reason[:255],
            user_id=user_id,
        )


def _note_default(letters: Sequence[Letter], cases: Mapping[int, Case]) -> None:
    """Of cases that began without a letter; those that begin with one know it from the start."""
    by_day: dict[date, list[int]] = defaultdict(list)
    for letter in letters:
        for claim in letter.claims:
            since = claim.charges.since if claim.charges else None
            case = cases.get(claim.item.document_id)
            if since and case is not None and case.in_default_since is None:
                by_day[since].append(case.pk)
    for since, ids in by_day.items():
        Case.objects.filter(pk__in=ids).update(in_default_since=since)
