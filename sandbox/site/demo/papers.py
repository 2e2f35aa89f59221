"""What is written by hand: deposit and final invoice, pro forma, a mistake taken back, a statement, a draft."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from cms_billing.core.money import Money
from cms_billing.faktura.drafts import Draft, DraftLine
from cms_billing.faktura.models import Customer, Document, DocumentKind, Issuer
from cms_billing.faktura.services import (
    WriteOffReason,
    cancel_document,
    copy_as_draft,
    create_draft,
    deposit_lines,
    finalise_drafts,
    issue_statement,
    write_off,
)
from cms_billing.payments.services import record_payment

CONCERT = "Hauskonzert mit zwei Dozenten"
DEPOSIT = f"Anzahlung: {CONCERT}"
SEMINAR = "Seminar im Betrieb, ein Tag"
LESSONS = "Einzelstunde Gitarre, 45 Minuten"
STRINGS = "Saitenwechsel und Einstellung"
FOLDER = "Notenmappe, gebunden"


def live_with_papers(issuer: Issuer, day: date, *, last_day: date) -> None:
    """What is written on this day, and is written once."""
    writes = PAPERS.get((last_day - day).days)
    if writes is not None:
        writes(issuer, day)


def deposit(issuer: Issuer, day: date) -> None:
    if not written(DEPOSIT):
        issue(draft("kowalski", line(DEPOSIT, "200.00", day), issuer=issuer, day=day, is_deposit=True), day)


def final_invoice(issuer: Issuer, day: date) -> None:
    if written(CONCERT):
        return
    paid = Document.objects.get(lines__description=DEPOSIT, is_deposit=True)
    taken_off = deposit_lines(customer_id=paid.customer_id, deposits=[paid], prices_include_tax=True)
    issue(draft("kowalski", line(CONCERT, "640.00", day), *taken_off, issuer=issuer, day=day), day)


def wrong_invoice(issuer: Issuer, day: date) -> None:
    if not written(LESSONS):
        issue(draft("jaekel", line(LESSONS, "45.00", day, quantity=6), issuer=issuer, day=day), day)


def cancelled_and_written_anew(issuer: Issuer, day: date) -> None:
    wrong = Document.objects.filter(lines__description=LESSONS).earliest("pk")
    if wrong.corrections.exists():
        return
    cancel_document(document_id=wrong.pk, reason="Fünf statt sechs Stunden", today=day)
    issue(draft("jaekel", line(LESSONS, "45.00", day, quantity=5), issuer=issuer, day=day), day)


def pro_forma(issuer: Issuer, day: date) -> None:
    if not written(SEMINAR):
        kind = DocumentKind.PRO_FORMA
        issue(draft("freitag", line(SEMINAR, "890.00", day), issuer=issuer, day=day, kind=kind), day)


def invoice_of_pro_forma(issuer: Issuer, day: date) -> None:
    accepted = Document.objects.get(lines__description=SEMINAR, kind=DocumentKind.PRO_FORMA)
    if not accepted.followers.exists():
        issue(copy_as_draft(document_id=accepted.pk, today=day), day)


def folder(issuer: Issuer, day: date) -> None:
    if not written(FOLDER):
        issue(draft("petersen", line(FOLDER, "24.00", day), issuer=issuer, day=day), day)


def rest_written_off(issuer: Issuer, day: date) -> None:
    """The bank abroad kept something of the transfer."""
    invoice = Document.objects.get(lines__description=FOLDER)
    if invoice.ledger_entries.filter(kind="write_off").exists():
        return
    kept = Money.of("0.40", "EUR")
    record_payment(
        customer_id=invoice.customer_id,
        amount=invoice.gross - kept,
        received_on=day,
        way="transfer",
        today=day,
        documents=[invoice],
    )
    reason = WriteOffReason.SMALL_DIFFERENCE
    write_off(document_id=invoice.pk, amount=kept, reason=reason, today=day, limited=True)


def statement(issuer: Issuer, day: date) -> None:
    customer = customer_named("brandt", issuer)
    if not customer.documents.filter(kind=DocumentKind.ACCOUNT_STATEMENT).exists():
        since = day - timedelta(days=60)
        issue_statement(customer_id=customer.pk, since=since, until=day, currency="EUR", today=day)


def draft_that_waits(issuer: Issuer, day: date) -> None:
    if not written(STRINGS):
        draft(
            "gruber", line(STRINGS, "35.00", day), issuer=issuer, day=day, finalise_on=day + timedelta(days=7)
        )


# By how many days before the last.
PAPERS: dict[int, Callable[[Issuer, date], None]] = {
    62: deposit,
    50: wrong_invoice,
    49: cancelled_and_written_anew,
    40: final_invoice,
    30: pro_forma,
    25: invoice_of_pro_forma,
    20: folder,
    15: rest_written_off,
    9: statement,
    0: draft_that_waits,
}


def written(description: str) -> bool:
    return Document.objects.filter(lines__description=description).exists()


def customer_named(username: str, issuer: Issuer) -> Customer:
    return Customer.objects.get(issuer=issuer, user__username=username)


def line(description: str, price: str, day: date, *, quantity: int = 1) -> DraftLine:
    return DraftLine(
        service_start=day,
        service_end=day,
        description=description,
        quantity=Decimal(quantity),
        unit_price_minor=Money.of(price, "EUR").minor,
        tax_code="standard",
        tax_percent=Decimal(19),
    )


def draft(
    username: str,
    *lines: DraftLine,
    issuer: Issuer,
    day: date,
    kind: str = DocumentKind.INVOICE,
    is_deposit: bool = False,
    finalise_on: date | None = None,
) -> Document:
    content = Draft(
        kind=kind,
        customer_id=customer_named(username, issuer).pk,
        currency="EUR",
        lines=lines,
        is_deposit=is_deposit,
    )
    return create_draft(issuer=issuer, draft=content, today=day, finalise_on=finalise_on)


def issue(document: Document, day: date) -> None:
    finalised = finalise_drafts(issuer=document.issuer, document_ids=[document.pk], today=day)
    if finalised.problems:
        raise RuntimeError(finalised.problems[0].reason)
