from datetime import date

import pytest

from cms_billing.faktura.models import Document
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.payments.models import PaymentMethod, ProviderAccount
from cms_billing.testing.factories import BookingFactory, CustomerFactory, PaymentMethodFactory

from . import page_provider


@pytest.fixture
def pages(settings):
    """A provider with hosted pages, ``tests.payments.page_provider``, its books empty."""
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "PROVIDERS": {**settings.CMS_BILLING["PROVIDERS"], "pages": "tests.payments.page_provider.PageFake"},
    }
    page_provider.empty_books()


@pytest.fixture
def invoice(db):
    """Make an issued invoice: ``invoice(customer, gross_minor=2000, method="card-1")``, due on the day it is issued."""

    def make(customer=None, *, gross_minor=990, issued_on=date(2026, 3, 1), currency="EUR", method=None):
        customer = customer or CustomerFactory(issuer__payment_days=0)
        BookingFactory(
            customer=customer,
            unit_price_minor=gross_minor,
            currency=currency,
            period_start=issued_on,
            period_end=issued_on,
        )
        if method and not PaymentMethod.objects.filter(customer=customer).exists():
            PaymentMethodFactory(customer=customer, reference=method)
        batch = issue_next_invoices(issuer=customer.issuer, today=issued_on)
        assert not batch.problems
        return Document.objects.select_related("open_item").get(pk=batch.done[-1].pk)

    return make


@pytest.fixture
def provider_account(db):
    """An issuer's account at a provider: ``provider_account(issuer, slug="main")``, made once."""

    def get(issuer, *, slug="main", **values):
        return ProviderAccount.objects.get_or_create(
            issuer=issuer, provider="fake", slug=slug, defaults=values
        )[0]

    return get
