"""Corrections: a new document that refers to the old one, never a change of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from cms_billing.core.money import Money
from cms_billing.core.texts import amount_text

from .. import rules
from ..crediting import CannotCredit, LineLeft, Part, all_that_is_left, reduced_price, returned_units
from ..drafts import Draft, DraftLine
from ..exceptions import CannotCancel, LineNotCredited
from ..models import Customer, Document, DocumentKind, DocumentLine, LedgerEntry
from ..selectors import final_invoice_of, left_to_credit
from ..signals import document_cancelled, lines_corrected
from .issuing import issue_drafts
from .ledger import Entry, post_entries
from .rebilling import open_bookings_again, void_bookings

Kinds = LedgerEntry.Kind


@dataclass(frozen=True)
class CreditLine:
    """What is credited of a line: ``quantity`` units that come back, or ``gross_minor`` of its price while they stay.

    ``restock``: the goods go back into stock; False where they are damaged, None where the question makes no sense.
    """

    line_id: int
    quantity: Decimal | None = None
    gross_minor: int | None = None
    restock: bool | None = None


@transaction.atomic
def cancel_document(
    *,
    document_id: int,
    reason: str,
    today: date,
    user: Any = None,
    bill_again: bool = True,
    not_restocked: Sequence[int] = (),
) -> Document:
    """Cancel what is left of an invoice with a Stornorechnung of its own number; returns it.

    What had been paid stays on the customer's account. The bookings become billable again, less what had been credited
    of them, or void where the sale itself is off (``bill_again=False``); only then do goods come back into stock, but
    for the damaged ones of the lines ``not_restocked``. Raises CannotCancel.
    """
    original, customer = _lock(document_id)
    left = left_to_credit(original)
    if all(line.is_used_up for line in left):
        raise CannotCancel(document=original, obstacle="nothing_left")
    lines = {line.pk: line for line in original.lines.all()}
    parts = {
        one.line_id: all_that_is_left(one, prices_include_tax=original.prices_include_tax) for one in left
    }
    restock = {pk: None if bill_again else pk not in not_restocked for pk in lines}
    cancellation = _issue(
        DocumentKind.CANCELLATION,
        original,
        customer,
        lines=_lines(original, lines, parts, restock),
        reason=reason,
        today=today,
    )
    _take_off_the_account(original, cancellation, today=today)
    if bill_again:
        open_bookings_again(original, left)
    else:
        void_bookings(original)
    _tell(cancellation, today=today, user=user)
    log(
        instance=original,
        action="cms_billing.cancel",
        user=user,
        data={"by": cancellation.number, "reason": reason},
    )
    news = partial(
        document_cancelled.send_robust,
        sender=Document,
        document_id=original.pk,
        cancellation_id=cancellation.pk,
    )
    transaction.on_commit(news, robust=True)
    return cancellation


@transaction.atomic
def credit_document(
    *, document_id: int, lines: Sequence[CreditLine], reason: str, today: date, user: Any = None
) -> Document:
    """Correct an invoice in part (Rechnungskorrektur); returns the correction.

    Each line carries its share of the tax; never more than is left of it. The invoice is owed so much less; what had
    been paid above that stays on the customer's account. Raises CannotCancel, LineNotCredited.
    """
    original, customer = _lock(document_id)
    correction = _issue(
        DocumentKind.CREDIT_NOTE,
        original,
        customer,
        lines=credit_lines(original, lines),
        reason=reason,
        today=today,
    )
    _take_part_off_the_account(original, correction, today=today)
    _tell(correction, today=today, user=user)
    log(
        instance=original,
        action="cms_billing.credit",
        user=user,
        data={"by": correction.number, "reason": reason},
    )
    return correction


def credit_lines(original: Document, lines: Sequence[CreditLine]) -> list[DraftLine]:
    """The lines of a correction, negative; reads only. Raises CannotCancel, LineNotCredited."""
    left = {one.line_id: one for one in left_to_credit(original)}
    sold = {line.pk: line for line in original.lines.all()}
    parts: dict[int, list[Part]] = {}
    restock: dict[int, bool | None] = {}
    for wanted in lines:
        one = left.get(wanted.line_id)
        if one is None:
            raise CannotCancel(document=original, obstacle="foreign_line")
        if wanted.line_id in parts:
            raise LineNotCredited(
                document=original, position=one.position, description=one.description, text=_("named twice")
            )
        parts[one.line_id] = parts_credited(original, one, wanted)
        restock[one.line_id] = wanted.restock
    if not parts:
        raise CannotCancel(document=original, obstacle="no_line")
    return list(_lines(original, sold, parts, restock))


def _lock(document_id: int) -> tuple[Document, Customer]:
    """The document that may be corrected; its customer is the lock of everything that moves on the account."""
    customer_id = Document.objects.values_list("customer_id", flat=True).get(pk=document_id)
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    original = Document.objects.select_related("issuer").get(pk=document_id)
    if obstacle := obstacle_of(original):
        raise CannotCancel(document=original, obstacle=obstacle)
    return original, customer


def obstacle_of(original: Document) -> str | None:
    """Why a document can be neither cancelled nor corrected, see ``rules.obstacle_to_cancelling``."""
    cancelled_by = original.corrections.filter(kind=DocumentKind.CANCELLATION).values_list(
        "number", flat=True
    )
    return rules.obstacle_to_cancelling(
        rules.Cancellable(
            original.kind,
            original.state,
            original.number,
            cancelled_by.first(),
            final_invoice_of(original) if original.is_deposit else None,
        )
    )


def parts_credited(original: Document, left: LineLeft, wanted: CreditLine) -> list[Part]:
    """What is credited of one line, positive. Raises LineNotCredited, which says what is left."""
    try:
        if wanted.gross_minor is not None and wanted.quantity is None:
            return reduced_price(left, wanted.gross_minor)
        return returned_units(
            left, wanted.quantity or Decimal(0), prices_include_tax=original.prices_include_tax
        )
    except CannotCredit as error:
        raise LineNotCredited(
            document=original,
            position=left.position,
            description=left.description,
            text=_why_not(error, original.currency),
        ) from error


def _why_not(error: CannotCredit, currency: str) -> str:
    left = error.left
    return {
        "used_up": _("nothing is left of it, %(sold)s of %(sold)s have been credited.")
        % {"sold": _number(left.sold)},
        "quantity": _("only %(left)s of %(sold)s are left to credit.")
        % {"left": _number(left.quantity), "sold": _number(left.sold)},
        "amount": _("only %(left)s are left to credit.")
        % {"left": amount_text(Money(left.amounts.gross, currency))},
        "nothing": _("say how many units or how much is credited."),
    }[error.reason]


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _lines(
    original: Document,
    sold: Mapping[int, DocumentLine],
    parts: Mapping[int, Sequence[Part]],
    restock: Mapping[int, bool | None],
) -> Iterable[DraftLine]:
    notices = {(g.tax_code, g.tax_percent): g.notice for g in original.tax_groups.all()}
    for pk, of_line in parts.items():
        line = sold[pk]
        for part in of_line:
            amounts = -part.amounts
            price = amounts.gross if original.prices_include_tax else amounts.net
            yield DraftLine(
                description=line.description,
                quantity=part.quantity,
                unit_price_minor=rules.unit_price(price, part.quantity),
                tax_code=line.tax_code,
                tax_percent=line.tax_percent,
                tax_notice=notices[line.tax_code, line.tax_percent],
                service_start=line.service_start,
                service_end=line.service_end,
                contract_reference=line.contract_reference,
                corrects_line_id=line.pk,
                amounts=amounts,
                returned=part.returned,
                restock=restock[pk] if part.returned else None,
            )


def _issue(
    kind: DocumentKind,
    original: Document,
    customer: Customer,
    *,
    lines: Iterable[DraftLine],
    reason: str,
    today: date,
) -> Document:
    """§ 31 (5) UStDV: the correction names the number and date of what it corrects."""
    draft = Draft(
        kind=kind,
        customer_id=original.customer_id,
        currency=original.currency,
        prices_include_tax=original.prices_include_tax,
        corrects_id=original.pk,
        lines=tuple(lines),
        extra={
            "reason": reason,
            "corrects": original.number,
            "corrects_date": f"{original.issued_on:%Y-%m-%d}",
        },
    )
    [document] = issue_drafts(
        issuer=original.issuer, kind=kind, drafts=[draft], customers={customer.pk: customer}, today=today
    )
    return document


def _tell(correction: Document, *, today: date, user: Any) -> None:
    lines_corrected.send(sender=Document, document=correction, today=today, user=user)


def _take_part_off_the_account(original: Document, correction: Document, *, today: date) -> None:
    """The claim falls by the correction; what is above it then was written off before, or paid."""
    currency = original.currency
    sums = _sums(original)
    credited = Money(correction.gross_minor, currency)
    entries = [Entry(Kinds.CREDIT, credited, original.pk, correction.pk)] if credited else []
    surplus = -(sum(sums.values()) + credited.minor)
    from_write_off = max(0, min(surplus, -sums.get(Kinds.WRITE_OFF, 0)))
    if from_write_off:
        entries.append(Entry(Kinds.WRITE_OFF, Money(from_write_off, currency), original.pk, correction.pk))
    entries += _to_the_account(original, correction, Money(max(0, surplus - from_write_off), currency))
    _post(original, entries, today=today)


def _take_off_the_account(original: Document, cancellation: Document, *, today: date) -> None:
    """The whole claim goes, fees included; a write-off is taken back, payments move to the account."""
    currency = original.currency
    sums = _sums(original)
    moved = (Kinds.PAYMENT, Kinds.REFUND, Kinds.CHARGEBACK, Kinds.TRANSFER)
    paid = sum(sums.get(kind, 0) for kind in moved)
    written_off = sums.get(Kinds.WRITE_OFF, 0)
    claim = sum(sums.values()) - paid - written_off
    entries = [Entry(Kinds.CANCELLATION, Money(-claim, currency), original.pk, cancellation.pk)]
    if written_off:
        entries.append(Entry(Kinds.WRITE_OFF, Money(-written_off, currency), original.pk, cancellation.pk))
    entries += _to_the_account(original, cancellation, Money(-paid, currency))
    _post(original, entries, today=today)


def _to_the_account(original: Document, correction: Document, amount: Money) -> list[Entry]:
    """What the document has got above its claim becomes credit on the customer's account."""
    if amount.minor == 0:
        return []
    return [
        Entry(Kinds.TRANSFER, amount, original.pk, correction.pk),
        Entry(Kinds.TRANSFER, -amount, None, original.pk),
    ]


def _sums(document: Document) -> dict[str, int]:
    rows = document.ledger_entries.order_by().values_list("kind").annotate(s=Sum("amount_minor"))
    return dict(rows)


def _post(original: Document, entries: Sequence[Entry], *, today: date) -> None:
    post_entries(
        issuer_id=original.issuer_id, customer_id=original.customer_id, entries=entries, booked_on=today
    )
