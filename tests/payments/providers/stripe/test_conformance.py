"""Stripe against its stand-in."""

from ..conformance import ProviderConformance


class TestStripe(ProviderConformance):
    vendor = "stripe"
    path = "cms_billing.payments.providers.stripe.StripeProvider"
    secrets = {"SECRET_KEY": "sk_test_51Conformance", "WEBHOOK_SECRET": "whsec_conformance"}
    charge_path = "/v1/payment_intents"
    refund_path = "/v1/refunds"
