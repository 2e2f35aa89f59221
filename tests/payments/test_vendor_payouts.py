"""What Stripe, Mollie and Adyen pay out is found in our payments, to the cent, through their own interfaces."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.payments.models import Payment, Payout, PayoutLine, ProviderDifference, Refund, WebhookEvent
from cms_billing.payments.services import collect_due, import_due_payouts, import_payouts
from cms_billing.testing.factories import BookingFactory, CustomerFactory
from cms_billing.testing.vendors import deliver_vendor_webhooks
from cms_billing.testing.vendors.behaviours import Behaviour

from .vendor_world import VENDORS, billing_settings_with, open_account, store_card

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=7)
FOR_PAYOUTS = {"ACCESS_TOKEN", "REPORT_USER", "REPORT_PASSWORD"}

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=list(VENDORS))
def test_payout_is_made_of_our_payments_and_leaves_no_difference(vendor, settings):
    settings.CMS_BILLING = billing_settings_with(vendor, settings.CMS_BILLING)
    with clock.frozen(NOON):
        customer = CustomerFactory(issuer__payment_days=0)
        account = open_account(vendor, customer)
        store_card(account, customer, Behaviour.GOOD_CARD)
        for cents in (990, 4900, 12000):
            bill(customer, cents)
        work()
    assert Payment.objects.filter(state="settled").count() == 3
    with clock.frozen(LATER):
        vendor.stand_in.make_payout(LATER.date())
        work()
        import_payouts(account=account, since=NOON.date(), now=LATER)
        import_payouts(account=account, since=NOON.date(), now=LATER)
    payout = Payout.objects.get()
    lines = PayoutLine.objects.filter(payout=payout)
    ours = lines.exclude(payment=None)
    assert sorted(line.gross_minor for line in ours) == [990, 4900, 12000]
    assert sum(line.net_minor for line in lines) == payout.amount_minor > 0
    assert Money(payout.amount_minor, "EUR") < Money(990 + 4900 + 12000, "EUR")
    assert not ProviderDifference.objects.exists(), list(ProviderDifference.objects.all())


def bill(customer, cents: int) -> None:
    today = NOON.date()
    BookingFactory(customer=customer, unit_price_minor=cents, period_start=today, period_end=today)
    issue_next_invoices(issuer=customer.issuer, today=today)
    collect_due(issuer=customer.issuer, today=today)


def work() -> None:
    outbox.drain(Payment, now=clock.now())
    deliver_vendor_webhooks()
    for model in (WebhookEvent, Refund):
        outbox.drain(model, now=clock.now())


@pytest.mark.parametrize("vendor", [VENDORS["mollie"], VENDORS["adyen"]], ids=["mollie", "adyen"])
def test_account_without_the_secrets_for_payouts_is_left_alone(vendor, settings):
    lacking = {name: value for name, value in vendor.secrets.items() if name not in FOR_PAYOUTS}
    settings.CMS_BILLING = billing_settings_with(replace(vendor, secrets=lacking), settings.CMS_BILLING)
    with clock.frozen(NOON):
        customer = CustomerFactory(issuer__payment_days=0)
        account = open_account(vendor, customer)
        assert import_due_payouts(issuer=customer.issuer, now=NOON) == []
    account.refresh_from_db()
    assert account.problem == ""
