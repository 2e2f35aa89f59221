from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from cms_billing.core.money import Money
from cms_billing.dunning.models import Case, Procedure
from cms_billing.dunning.services import create_default_procedure, dun_next_customers
from cms_billing.faktura.models import Customer, Document, Issuer
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.payments.models import Payment
from cms_billing.payments.services import record_payment
from cms_billing.testing.factories import BookingFactory, CustomerFactory, IssuerFactory


@pytest.fixture
def issuer(db) -> Issuer:
    return IssuerFactory(name="Chorakademie")


@pytest.fixture
def procedure(issuer: Issuer) -> Procedure:
    return create_default_procedure(issuer)


@pytest.fixture
def customer(issuer: Issuer) -> Customer:
    return CustomerFactory(issuer=issuer, number="K-1", first_name="Anna", last_name="Berg", language="de")


def invoice_due(customer: Customer, due_on: date, *, amount: int = 990, contract: str = "") -> Document:
    """An invoice over ``amount`` cents that is due on that day."""
    issued_on = due_on - timedelta(days=customer.issuer.payment_days)
    BookingFactory(
        customer=customer,
        period_start=issued_on,
        period_end=issued_on + timedelta(days=30),
        unit_price_minor=amount,
        contract_reference=contract,
    )
    batch = issue_next_invoices(issuer=customer.issuer, today=issued_on)
    assert not batch.problems
    return next(document for document in batch.done if document.customer_id == customer.pk)


def run(issuer: Issuer, today: date) -> list[Document]:
    """The day's whole dunning run; the letters, oldest first."""
    letters: list[Document] = []
    after: int | None = 0
    while after is not None:
        batch = dun_next_customers(issuer=issuer, today=today, after_customer=after)
        assert not batch.problems
        letters += batch.done
        after = batch.last_customer
    return letters


def pay(document: Document, day: date, *, amount: Money | None = None) -> Payment:
    document.open_item.refresh_from_db()
    return record_payment(
        customer_id=document.customer_id,
        amount=amount or document.open_item.open_amount,
        received_on=day,
        way="transfer",
        today=day,
        documents=[document],
    )


def case_of(document: Document) -> Case:
    return Case.objects.filter(document=document).latest("pk")


@pytest.fixture
def after_commit(django_capture_on_commit_callbacks) -> Callable[..., object]:
    """``with after_commit():`` what is to happen after commit happens at the end of the block."""
    return lambda: django_capture_on_commit_callbacks(execute=True)
