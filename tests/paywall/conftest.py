from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from wagtail.models import Page, Site

from cms_billing.core import clock
from cms_billing.dunning.models import Case
from cms_billing.faktura.models import Document
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.memberships.models import Contract, Plan
from cms_billing.memberships.services import book_next_due
from cms_billing.paywall.services import set_rule
from cms_billing.testing.factories import CustomerFactory, PlanFactory, UserFactory, signed_contract
from tests.testsite.models import ArticlePage

TODAY = date(2026, 3, 31)
SECRET = "the strings hold the secret"


@pytest.fixture(autouse=True)
def march_31st():
    """The clock stands still, and no rules of another test are remembered."""
    cache.clear()
    with clock.frozen(datetime(2026, 3, 31, 9, 0, tzinfo=UTC)):
        yield


@dataclass
class Magazine:
    """``home / section / article``; the section is closed to all but members of ``plan``."""

    home: Page
    section: ArticlePage
    article: ArticlePage
    plan: Plan


@pytest.fixture
def magazine(db) -> Magazine:
    home = Site.objects.get(is_default_site=True).root_page
    section = home.add_child(
        instance=ArticlePage(title="Magazine", slug="magazine", teaser="All issues", body=SECRET)
    )
    article = section.add_child(
        instance=ArticlePage(title="Strings", slug="strings", teaser="How to choose strings.", body=SECRET)
    )
    plan = PlanFactory(name="Membership")
    set_rule(page=section, plans=[plan])
    return Magazine(home, section, article, plan)


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def member(plan: Plan, **terms: Any) -> tuple[Any, Contract]:
    """A user with a contract on the plan that has run since January."""
    user = UserFactory()
    customer = CustomerFactory(issuer=plan.issuer, user=user)
    contract = signed_contract(
        plan=plan, customer=customer, **{"start": date(2026, 1, 1), "today": TODAY, **terms}
    )
    return user, contract


def overdue_invoice(contract: Contract) -> Document:
    """The contract's invoices are issued and overdue since February; returns the first one."""
    book_next_due(issuer=contract.issuer, today=TODAY)
    issue_next_invoices(issuer=contract.issuer, today=TODAY)
    invoice = Document.objects.filter(lines__contract_reference=contract.number).order_by("pk")[0]
    invoice.open_item.due_on = date(2026, 2, 10)
    invoice.open_item.save()
    return invoice


def in_dunning(contract: Contract, *, level: int, locked: bool, **facts: Any) -> Case:
    invoice = overdue_invoice(contract)
    return Case.objects.create(
        issuer=contract.issuer,
        customer=contract.customer,
        document=invoice,
        level=level,
        lock_scope="contract" if locked else "",
        announced_scope="contract" if locked else "",
        opened_on=date(2026, 2, 11),
        waiting_since=date(2026, 3, 1),
        **facts,
    )
