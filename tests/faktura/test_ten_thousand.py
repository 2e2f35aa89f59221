"""Ten thousand random documents through drafting, tax, corrections and ledger: everything adds up."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from django.conf import settings as django_settings
from django.db.models import F, Sum
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cms_billing.core.money import Money
from cms_billing.faktura import verification
from cms_billing.faktura.drafts import Draft, DraftLine
from cms_billing.faktura.models import Customer, Document, DocumentKind, DocumentLine, LedgerEntry, OpenItem
from cms_billing.faktura.selectors import left_to_credit
from cms_billing.faktura.services import (
    CreditLine,
    cancel_document,
    credit_document,
    finalise_drafts,
    issue_drafts,
    post_entries,
    write_off,
)
from cms_billing.faktura.services.drafting import write_drafts
from cms_billing.faktura.services.ledger import Entry
from cms_billing.testing.factories import CustomerFactory, IssuerFactory

from .documents import TODAY

DOCUMENTS_A_ROUND = 500
# Adding up is the same arithmetic on either database: the whole of it is done once, where production runs.
ROUNDS = 20 if django_settings.DATABASES["default"]["ENGINE"].endswith("postgresql") else 4
CORRECTED_A_ROUND = 40
PERCENTS = {"standard": Decimal(19), "reduced": Decimal(7), "zero": Decimal(0), "exempt": Decimal(0)}


def random_line(chance: random.Random) -> DraftLine:
    code = chance.choice(list(PERCENTS))
    quantity = (
        Decimal(chance.randint(1, 30)) if chance.random() < 0.8 else Decimal(chance.randint(1, 9999)) / 1000
    )
    return DraftLine(
        description="Posten",
        quantity=quantity,
        unit_price_minor=chance.choice([0, 1, 99, 333, 999, 2480, chance.randint(0, 500_000)]),
        tax_code=code,
        tax_percent=PERCENTS[code],
    )


def random_draft(chance: random.Random, customer: Customer) -> Draft:
    return Draft(
        kind=DocumentKind.INVOICE,
        customer_id=customer.pk,
        currency=chance.choice(["EUR", "EUR", "JPY", "KWD"]),
        prices_include_tax=chance.random() < 0.5,
        lines=tuple(random_line(chance) for _n in range(chance.randint(1, 8))),
        due_on=TODAY,
    )


def issue_all(chance: random.Random, customers: dict[int, Customer]) -> list[Document]:
    """Half of them wait as drafts first."""
    [issuer] = {customer.issuer for customer in customers.values()}
    drafts = [
        random_draft(chance, chance.choice(list(customers.values()))) for _n in range(DOCUMENTS_A_ROUND)
    ]
    half = DOCUMENTS_A_ROUND // 2
    kind = DocumentKind.INVOICE
    issued = issue_drafts(issuer=issuer, kind=kind, drafts=drafts[:half], customers=customers, today=TODAY)
    waiting = write_drafts(issuer=issuer, drafts=drafts[half:], customers=customers)
    done = finalise_drafts(issuer=issuer, document_ids=[d.pk for d in waiting], today=TODAY)
    assert done.problems == []
    return issued + done.done


def shake(chance: random.Random, document: Document) -> None:
    """A random sequence of what happens to an invoice."""
    for _n in range(chance.randint(1, 4)):
        chance.choice([pay, give_up, credit_some, cancel])(chance, document)


def pay(chance: random.Random, document: Document) -> None:
    still_open = OpenItem.objects.get(pk=document.pk).open_minor
    if still_open <= 0:
        return
    amount = Money(chance.randint(1, still_open), document.currency)
    post_entries(
        issuer_id=document.issuer_id,
        customer_id=document.customer_id,
        entries=[Entry(LedgerEntry.Kind.PAYMENT, -amount, document.pk)],
        booked_on=TODAY,
    )


def give_up(chance: random.Random, document: Document) -> None:
    still_open = OpenItem.objects.get(pk=document.pk).open_minor
    if still_open > 0:
        amount = Money(chance.randint(1, still_open), document.currency)
        write_off(document_id=document.pk, amount=amount, reason="goodwill", today=TODAY, limited=False)


def credit_some(chance: random.Random, document: Document) -> None:
    if document.corrections.filter(kind=DocumentKind.CANCELLATION).exists():
        return
    wanted = []
    for left in left_to_credit(document):
        if left.quantity > 0 and chance.random() < 0.5:
            units = min(left.quantity, Decimal(chance.randint(1, 30)))
            wanted.append(CreditLine(left.line_id, quantity=units))
        elif left.amounts.gross > 0 and chance.random() < 0.5:
            wanted.append(CreditLine(left.line_id, gross_minor=chance.randint(1, left.amounts.gross)))
    if wanted:
        credit_document(document_id=document.pk, lines=wanted, reason="Rückgabe", today=TODAY)


def cancel(chance: random.Random, document: Document) -> None:
    cancelled = document.corrections.filter(kind=DocumentKind.CANCELLATION).exists()
    if not cancelled and not all(left.is_used_up for left in left_to_credit(document)):
        cancel_document(document_id=document.pk, reason="Widerruf", today=TODAY)


def check_nothing_is_credited_above_what_was_sold() -> None:
    corrected = DocumentLine.objects.filter(correction_lines__isnull=False).annotate(
        units=Sum("correction_lines__returned"),
        net_left=F("net_minor") + Sum("correction_lines__net_minor"),
        tax_left=F("tax_minor") + Sum("correction_lines__tax_minor"),
        gross_left=F("gross_minor") + Sum("correction_lines__gross_minor"),
    )
    # Compared here: SQLite adds decimals as floats, and 0.1 + 0.2 is more than 0.3 to it.
    above = [
        line
        for line in corrected
        if line.units > line.quantity or min(line.net_left, line.tax_left, line.gross_left) < 0
    ]
    assert above == []


def check_cancelled_invoices_are_even() -> None:
    cancelled = Document.objects.filter(corrections__kind=DocumentKind.CANCELLATION)
    assert not cancelled.exclude(open_item__open_minor=0).exists()
    for document in cancelled:
        assert -sum(document.corrections.values_list("gross_minor", flat=True)) == document.gross_minor


@pytest.mark.slow
@pytest.mark.django_db
@settings(
    max_examples=ROUNDS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
    phases=[Phase.generate],
)
@given(seed=st.integers(0, 2**32))
def test_ten_thousand_random_documents_add_up(seed):
    chance = random.Random(seed)
    issuer = IssuerFactory()
    customers = {customer.pk: customer for customer in CustomerFactory.create_batch(5, issuer=issuer)}
    documents = issue_all(chance, customers)
    for document in chance.sample(documents, CORRECTED_A_ROUND):
        shake(chance, document)
    for findings in (verification.sum_findings, verification.ledger_findings, verification.number_findings):
        assert list(findings(issuer)) == []
    check_nothing_is_credited_above_what_was_sold()
    check_cancelled_invoices_are_even()
