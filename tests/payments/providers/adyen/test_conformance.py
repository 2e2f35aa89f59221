"""Adyen does what every provider has to do."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from cms_billing.core import clock
from cms_billing.payments.providers import PageStatus
from cms_billing.testing.models import VendorWebhook

from ..conformance import ProviderConformance
from .conftest import SECRETS


class TestAdyen(ProviderConformance):
    vendor = "adyen"
    path = "cms_billing.payments.providers.adyen.AdyenProvider"
    secrets = {name: value for name, value in SECRETS.items() if name != "SESSION"}
    charge_path = "/v72/payments"
    refund_path = "/v72/payments/"
    account_columns = {"merchant_account": "AkademieECOM"}
    session = SECRETS["SESSION"]

    def history(self):
        webhooks = VendorWebhook.objects.filter(vendor="adyen")
        return [bytes(webhook.body) for webhook in webhooks]

    def test_cancelled_page_took_no_money(self, provider):
        """Adyen knows one way back; what happened is in the session's result."""
        request = self.page_request()
        page = provider.open_page(request)
        query = dict(parse_qsl(urlsplit(self.cancel(page)).query))

        notice = provider.look_up_page(
            reference=page.reference, idempotency_key=request.idempotency_key, returned_with=query
        )

        assert query["sessionId"] == page.reference
        assert (notice.status, notice.payment, notice.method) == (PageStatus.CANCELLED, None, None)

    def test_page_nobody_came_to_expires(self, provider):
        """No webhook tells it: the page is over when its time is, and the payer who comes late hears it."""
        request = self.page_request()
        page = provider.open_page(request)
        assert page.expires_at <= clock.now() + timedelta(hours=24)

        with clock.frozen(clock.now() + timedelta(hours=25)):
            query = dict(parse_qsl(urlsplit(self.hosted(page).left_for).query))
            notice = provider.look_up_page(
                reference=page.reference, idempotency_key=request.idempotency_key, returned_with=query
            )

        assert notice.status is PageStatus.EXPIRED

    def test_closed_page_takes_no_money(self, provider):
        """It cannot be closed, and does not pretend to be."""
        page = provider.open_page(self.page_request())
        assert provider.close_page(reference=page.reference) is False
