"""Invoices of customers from whom we collect ask for no transfer; and links only where there is a page to open."""

from datetime import date

import pytest
from django.test import override_settings
from django.utils import translation

from cms_billing.faktura import links
from cms_billing.faktura.models import Document
from cms_billing.faktura.rendering import document_data
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.payments.models import PaymentMethod
from cms_billing.payments.notes import collection_notes
from cms_billing.testing.factories import BookingFactory, CustomerFactory, PaymentMethodFactory

TODAY = date(2026, 3, 2)

pytestmark = pytest.mark.django_db


def invoice_of(customer) -> Document:
    BookingFactory(customer=customer)
    [invoice] = issue_next_invoices(issuer=customer.issuer, today=TODAY).done
    return invoice


def test_stored_card_is_named_with_amount_and_day():
    method = PaymentMethodFactory(label="Visa •••• 4242")
    invoice = invoice_of(method.customer)
    with translation.override("en"):
        notes = collection_notes([invoice.pk])
    assert notes == {
        invoice.pk: ("We collect €9.90 on Mar 16, 2026 from Visa •••• 4242; there is nothing you have to do.")
    }
    [data] = document_data([invoice.pk])
    assert "Visa •••• 4242" in data.payment_note


@pytest.mark.parametrize(
    "changes",
    [{"provider": "bank_transfer"}, {"state": PaymentMethod.State.REVOKED}, {"is_default": False}],
)
def test_without_a_way_to_collect_the_reader_transfers(changes):
    method = PaymentMethodFactory(**changes)
    assert collection_notes([invoice_of(method.customer).pk]) == {}


def test_payment_link_is_absolute():
    invoice = invoice_of(CustomerFactory())
    assert links.payment_link([invoice.pk]).startswith("http://testserver/billing/")


def test_site_without_public_address_prints_no_link(settings):
    invoice = invoice_of(CustomerFactory())
    with override_settings(CMS_BILLING={**settings.CMS_BILLING, "SITE_URL": ""}):
        assert links.payment_link([invoice.pk]) == ""


def test_site_without_payment_page_prints_no_link(settings):
    invoice = invoice_of(CustomerFactory())
    with override_settings(ROOT_URLCONF="wagtail.urls"):
        assert links.payment_link([invoice.pk]) == ""
