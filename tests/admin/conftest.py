"""One issuer with the rows of a small business, a neighbour with the same, and people of each role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.daily.models import DailyRun, ParkedRow
from cms_billing.daily.services import open_run
from cms_billing.faktura.models import (
    Customer,
    Delivery,
    Document,
    DocumentText,
    Issuer,
    MailText,
    NumberSeries,
)
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.memberships.models import Contract, Plan
from cms_billing.memberships.services import book_next_due
from cms_billing.payments.models import Payment
from cms_billing.payments.services import record_payment
from cms_billing.testing.factories import (
    CustomerFactory,
    IssuerFactory,
    PlanFactory,
    UserFactory,
    signed_contract,
)

TODAY = date(2026, 3, 31)
START = date(2026, 1, 31)


@pytest.fixture(autouse=True)
def _today():
    """It is noon of 31 March 2026 everywhere in the admin."""
    with clock.frozen(datetime(2026, 3, 31, 12, tzinfo=UTC)):
        yield


@dataclass
class Business:
    """An issuer with one of everything. The first invoice is paid, two are open."""

    issuer: Issuer
    customer: Customer
    plan: Plan
    contract: Contract
    paid: Document
    open: Document
    payment: Payment
    series: NumberSeries
    mail_text: MailText
    document_text: DocumentText
    run: DailyRun
    parked: ParkedRow
    failed: Delivery


def business(name: str) -> Business:
    issuer = IssuerFactory(name=name)
    customer = CustomerFactory(issuer=issuer, last_name=f"Kundin {name}")
    plan = PlanFactory(issuer=issuer, name=f"Plan {name}", code="plan")
    contract = signed_contract(start=START, plan=plan, customer=customer, today=TODAY)
    book_next_due(issuer=issuer, today=TODAY)
    issue_next_invoices(issuer=issuer, today=TODAY)
    paid, owed = Document.objects.filter(issuer=issuer).order_by("pk")[:2]
    payment = record_payment(
        customer_id=customer.pk,
        amount=Money.of("9.90", "EUR"),
        received_on=TODAY,
        way="cash",
        today=TODAY,
        documents=[paid],
    )
    return Business(
        issuer=issuer,
        customer=customer,
        plan=plan,
        contract=contract,
        paid=paid,
        open=owed,
        payment=payment,
        series=NumberSeries.objects.get(issuer=issuer, kind="invoice"),
        document_text=DocumentText.objects.create(issuer=issuer, kind="invoice", intro="Guten Tag {name}"),
        mail_text=MailText.objects.create(
            issuer=issuer, purpose="invoice", language="de", subject="Rechnung {number}", body="Guten Tag"
        ),
        run=open_run(issuer=issuer, today=TODAY),
        parked=ParkedRow.objects.create(
            issuer=issuer,
            step="issue",
            subject="cms_billing_faktura.Customer",
            subject_id=customer.pk,
            label=f"Parked {name}",
            reason="The street is missing.",
        ),
        failed=Delivery.objects.create(
            document=owed,
            purpose="again",
            to=f"gone@{name.lower()}.example",
            work_state="failed",
            attempts=8,
            last_error="550 User unknown",
        ),
    )


@pytest.fixture
def ours(db) -> Business:
    return business("Ours")


@pytest.fixture
def theirs(db) -> Business:
    return business("Theirs")


def person(role: str, issuer: Issuer | None) -> Client:
    user = UserFactory(username=role.lower().replace(" ", "-"))
    group = Group.objects.get(name=role)
    user.groups.add(group)
    if issuer:
        issuer.groups.add(group)
    client = Client()
    client.force_login(user)
    client.user = user
    return client


@pytest.fixture
def accountant(ours) -> Client:
    return person("Accountants", ours.issuer)


@pytest.fixture
def editor(ours) -> Client:
    return person("Billing editors", ours.issuer)


@pytest.fixture
def auditor(ours) -> Client:
    return person("Auditors", ours.issuer)


@pytest.fixture
def stranger(db) -> Client:
    """May enter Wagtail's admin, and has nothing to do with billing."""
    user = UserFactory(username="redakteurin")
    user.groups.add(Group.objects.get(name="Editors"))
    client = Client()
    client.force_login(user)
    return client
