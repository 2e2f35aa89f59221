"""Papers about an account: statements of it, and receipts of what was paid back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from cms_billing.core.money import Money
from cms_billing.core.texts import amount_text, day_text

from ..drafts import Draft
from ..exceptions import WrongAmount, WrongPeriod
from ..models import Customer, Document, DocumentKind, LedgerEntry
from .issuing import issue_drafts
from .ledger import Entry, post_entries
from .settling import take_back_settlements

# Notes of payments and write-offs are written for colleagues.
_TOLD_TO_CUSTOMERS = frozenset({LedgerEntry.Kind.CHARGEBACK, LedgerEntry.Kind.REFUND})
LONGEST_STATEMENT = 5000  # entries; a longer paper is of no use to anybody


@transaction.atomic
def issue_statement(
    *, customer_id: int, since: date, until: date, currency: str, today: date, user: Any = None
) -> Document:
    """An account statement (Kontoauszug) of the days ``since`` to ``until``, both included. Raises WrongPeriod."""
    if until < since or until > today:
        raise WrongPeriod(
            _("A statement ends on %(today)s at the latest, and after it has begun.")
            % {"today": day_text(today)}
        )
    customer = (
        Customer.objects.select_related("issuer")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=customer_id)
    )
    statement = statement_of(customer, since=since, until=until, currency=currency)
    document = _issue(
        customer, DocumentKind.ACCOUNT_STATEMENT, currency, {"statement": statement}, today=today
    )
    log(instance=customer, action="cms_billing.statement", user=user, data={"number": document.number})
    return document


def statement_of(customer: Customer, *, since: date, until: date, currency: str) -> dict[str, Any]:
    """What the statement says, as it is frozen in the document. Raises WrongPeriod where it would be too long."""
    entries = LedgerEntry.objects.filter(customer=customer, currency=currency)
    opening = entries.filter(booked_on__lt=since).aggregate(s=Sum("amount_minor"))["s"] or 0
    in_period = entries.filter(booked_on__gte=since, booked_on__lte=until)
    # Transfers between a document and the account move nothing for the customer.
    rows = list(
        in_period.exclude(kind=LedgerEntry.Kind.TRANSFER)
        .order_by("booked_on", "id")
        .values("booked_on", "kind", "note", "document__number", "related_document__number", "amount_minor")[
            : LONGEST_STATEMENT + 1
        ]
    )
    if len(rows) > LONGEST_STATEMENT:
        raise WrongPeriod(
            _("There are more than %(n)s entries in this time: choose a shorter one.")
            % {"n": LONGEST_STATEMENT}
        )
    balance, lines = opening, []
    for row in rows:
        balance += row["amount_minor"]
        lines.append(
            {
                "date": row["booked_on"].isoformat(),
                "kind": row["kind"],
                # Why something was written off is no business of the customer's.
                "note": "" if row["kind"] == LedgerEntry.Kind.WRITE_OFF else row["note"],
                "number": _paper(row),
                "amount_minor": row["amount_minor"],
                "balance_minor": balance,
            }
        )
    return {
        "from": since.isoformat(),
        "to": until.isoformat(),
        "opening_minor": opening,
        "closing_minor": balance,
        "entries": lines,
    }


def _paper(row: Mapping[str, Any]) -> str:
    """Corrections and receipts are named by their own number, everything else by the document it belongs to."""
    own = (LedgerEntry.Kind.CREDIT, LedgerEntry.Kind.CANCELLATION, LedgerEntry.Kind.REFUND)
    first, second = row["document__number"], row["related_document__number"]
    return (second or first or "") if row["kind"] in own else (first or second or "")


@transaction.atomic
def book_refund(
    *,
    customer_id: int,
    amount: Money,
    way: str,
    way_text: str,
    paid_on: date,
    today: date,
    reference: str = "",
    for_documents: Sequence[Document] = (),
    user: Any = None,
) -> Document:
    """Money has gone back to the customer: their credit falls, and a receipt says so; returns the receipt.

    ``way``: provider, transfer or cash; ``way_text`` is how the receipt names it. What has gone is booked, also where
    the credit went in the meantime: then what credit had settled is owed again. Whoever sends the money asks before
    (``payments.services.refund_customer``).
    """
    if amount.minor <= 0:
        raise WrongAmount(
            _("A refund is more than zero; %(amount)s is not.") % {"amount": amount_text(amount)}
        )
    customer = (
        Customer.objects.select_related("issuer")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=customer_id)
    )
    refund = {
        "amount_minor": amount.minor,
        "way": way,
        "way_text": way_text,
        "paid_on": paid_on.isoformat(),
        "reference": reference,
        "for": [
            {
                "number": document.number,
                "date": document.issued_on.isoformat() if document.issued_on else None,
                "amount_minor": document.gross_minor,
            }
            for document in for_documents
        ],
    }
    receipt = _issue(customer, DocumentKind.REFUND_RECEIPT, amount.currency, {"refund": refund}, today=today)
    post_entries(
        issuer_id=customer.issuer_id,
        customer_id=customer_id,
        entries=[Entry(LedgerEntry.Kind.REFUND, amount, None, receipt.pk, note=way_text)],
        booked_on=paid_on,
    )
    take_back_settlements(customer_id=customer_id, currency=amount.currency, today=today)
    log(
        instance=customer,
        action="cms_billing.refund",
        user=user,
        data={"amount": str(amount), "number": receipt.number, "way": way},
    )
    return receipt


@transaction.atomic
def book_returned_refund(*, receipt_id: int, today: date, note: str = "") -> None:
    """A refund came back (the card is closed, the account unknown): the customer has their credit again."""
    customer_id = Document.objects.values_list("customer_id", flat=True).get(pk=receipt_id)
    Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    receipt = Document.objects.get(pk=receipt_id)
    amount = Money(receipt.extra["refund"]["amount_minor"], receipt.currency)
    post_entries(
        issuer_id=receipt.issuer_id,
        customer_id=customer_id,
        entries=[Entry(LedgerEntry.Kind.REFUND, -amount, None, receipt.pk, note=note)],
        booked_on=today,
    )


def _issue(
    customer: Customer, kind: DocumentKind, currency: str, extra: dict[str, Any], *, today: date
) -> Document:
    draft = Draft(kind=kind, customer_id=customer.pk, currency=currency, extra=extra)
    [document] = issue_drafts(
        issuer=customer.issuer, kind=kind, drafts=[draft], customers={customer.pk: customer}, today=today
    )
    return document
