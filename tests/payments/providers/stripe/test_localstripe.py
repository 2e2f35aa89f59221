"""Against ``localstripe``: a Stripe that nobody here wrote, as a process of its own.

It speaks an older API, without Checkout, disputes, mandates and idempotency. ``OlderApi`` leaves out what it does not
know yet; the provider is the real one.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
import requests
from django.test import Client
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.core.money import Money
from cms_billing.payments.credentials import provider_for
from cms_billing.payments.models import Payment, WebhookEvent
from cms_billing.payments.providers import ChargeRequest, ProviderDown, RefundRequest, RefundStatus, Status
from cms_billing.testing.factories import PaymentMethodFactory, ProviderAccountFactory

COMMAND = shutil.which("localstripe") or shutil.which("localstripe", path=str(Path(sys.executable).parent))
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        COMMAND is None, reason="localstripe is not installed: pip install cms-billing[peers]"
    ),
]
WEBHOOK_SECRET = "whsec_localstripe"
TEN = Money(1000, "EUR")
# What localstripe, which refuses what it does not know, has no parameters for.
UNKNOWN = {
    "/v1/payment_intents": {"return_url", "description", "customer[GET]"},
    "/v1/refunds": {"reason"},
}


class OlderApi(requests.Session):
    """Stripe's parameters, less those that are younger than localstripe."""

    def request(self, method, url, data=None, **how):
        parts = urlsplit(url)
        unknown = UNKNOWN.get(parts.path, set())
        if data:
            data = urlencode([(key, value) for key, value in parse_qsl(data) if key not in unknown])
        query = [(key, value) for key, value in parse_qsl(parts.query) if f"{key}[GET]" not in unknown]
        return super().request(method, urlunsplit(parts._replace(query=urlencode(query))), data=data, **how)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def address():
    port = free_port()
    process = subprocess.Popen(
        [COMMAND, "--from-scratch", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://localhost:{port}"
    for _ in range(200):
        with contextlib.suppress(requests.ConnectionError):
            requests.get(url, timeout=1)
            break
        time.sleep(0.05)
    yield url
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture
def account(settings, address):
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "PROVIDERS": {
            **settings.CMS_BILLING["PROVIDERS"],
            "stripe": "cms_billing.payments.providers.stripe.StripeProvider",
        },
        "PROVIDER_ACCOUNTS": {
            "stripe/peer": {
                "SECRET_KEY": "sk_test_localstripe1",
                "WEBHOOK_SECRET": WEBHOOK_SECRET,
                "API_URL": address,
                "SESSION": f"{__name__}.OlderApi",
            }
        },
    }
    return ProviderAccountFactory(slug="peer", requests_per_second=500)


@pytest.fixture
def provider(account):
    return provider_for(account)


def card(number: str) -> dict:
    return {"type": "card", "card": {"number": number, "exp_month": 12, "exp_year": 2030, "cvc": "123"}}


def debit(iban: str) -> dict:
    return {"type": "sepa_debit", "sepa_debit": {"iban": iban}}


def stored(provider, method: dict) -> tuple[str, str]:
    """A customer, and the method attached to them."""
    v1 = provider._api.v1
    customer = v1.customers.create({"email": "anna@example.org", "metadata": {"cms_billing_payer": "m-1"}})
    made = v1.payment_methods.create(method)
    v1.payment_methods.attach(made.id, {"customer": customer.id})
    return customer.id, made.id


def request_for(provider, method: dict) -> ChargeRequest:
    payer, reference = stored(provider, method)
    return ChargeRequest(
        uuid.uuid4(), TEN, reference, "RE-1", 1, payer, return_url="https://shop.example/thanks/"
    )


GOOD_CARD = "4242424242424242"
# Attached like a good one, refused whenever it is charged.
REFUSED_CARD = "4000000000000341"
ASKS_FOR_AUTHENTICATION = "4000002760003184"


def test_card_is_charged_and_looked_up(provider):
    request = request_for(provider, card(GOOD_CARD))
    notice = provider.charge(request)
    assert (notice.status, notice.idempotency_key) == (Status.SETTLED, request.idempotency_key)
    by_reference = provider.look_up(reference=notice.reference, idempotency_key=None)
    by_key = provider.look_up(
        reference="", idempotency_key=request.idempotency_key, method_reference=request.method_reference
    )
    assert (by_reference.status, by_key.reference) == (Status.SETTLED, notice.reference)


def test_refused_card_fails_with_its_code(provider):
    notice = provider.charge(request_for(provider, card(REFUSED_CARD)))
    assert (notice.status, notice.code, notice.final) == (Status.FAILED, "card_declined", False)
    assert notice.reason == "Your card was declined."


def test_card_that_asks_for_authentication_needs_its_owner(provider):
    notice = provider.charge(request_for(provider, card(ASKS_FOR_AUTHENTICATION)))
    assert (notice.status, notice.code) == (Status.FAILED, "authentication_required")


def test_direct_debit_returned_by_the_bank_fails_later(provider):
    notice = provider.charge(request_for(provider, debit("DE62370400440532013001")))
    assert notice.status is Status.PENDING
    later = notice
    for _ in range(40):
        later = provider.look_up(reference=notice.reference, idempotency_key=None)
        if later.status is not Status.PENDING:
            break
        time.sleep(0.05)
    assert (later.status, later.code) == (Status.FAILED, "card_declined")


def test_refunds_add_up(provider):
    paid = provider.charge(request_for(provider, card(GOOD_CARD)))
    request = RefundRequest(uuid.uuid4(), paid.reference, Money(300, "EUR"), "GS-1", 1)
    made = provider.refund(request)
    assert (made.status, made.idempotency_key) == (RefundStatus.PAID, request.idempotency_key)
    by_key = provider.look_up_refund(
        reference="", payment_reference=paid.reference, idempotency_key=request.idempotency_key
    )
    assert by_key.reference == made.reference
    assert provider.look_up(reference=paid.reference, idempotency_key=None).refunded == Money(300, "EUR")


def test_forgotten_card_belongs_to_nobody(provider):
    payer, reference = stored(provider, card(GOOD_CARD))
    provider.forget_method(reference=reference, payer_reference=payer)
    assert provider._api.v1.payment_methods.retrieve(reference).customer is None


def test_unknown_payment_without_stripes_own_code_is_no_answer(provider):
    with pytest.raises(ProviderDown):
        provider.look_up(reference="pi_unknown", idempotency_key=None)


# -- its own signed webhooks ----------------------------------------------------------------------------------------


@pytest.fixture
def letterbox(address):
    """Where localstripe posts its events: raw bodies and signatures."""
    received: Queue = Queue()

    class Letterbox(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.put((body, self.headers["Stripe-Signature"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Letterbox)
    Thread(target=server.serve_forever, daemon=True).start()
    webhook = {"url": f"http://127.0.0.1:{server.server_port}/", "secret": WEBHOOK_SECRET}
    requests.post(
        f"{address}/_config/webhooks/{uuid.uuid4().hex}", json=webhook, timeout=5
    ).raise_for_status()
    yield received
    server.shutdown()
    server.server_close()


def news_of(key: uuid.UUID, letterbox: Queue) -> tuple[bytes, str]:
    """News of the tests before may still be on their way."""
    while True:
        body, signature = letterbox.get(timeout=10)
        if str(key).encode() in body:
            return body, signature


def post(body: bytes, signature: str) -> int:
    address = reverse("cms_billing:account_webhook", args=["stripe", "peer"])
    return (
        Client()
        .post(address, data=body, content_type="application/json", headers={"Stripe-Signature": signature})
        .status_code
    )


def test_signed_event_settles_what_was_lost_and_a_changed_one_does_not(account, provider, letterbox, invoice):
    payer, reference = stored(provider, card(GOOD_CARD))
    document = invoice(gross_minor=1000)
    method = PaymentMethodFactory(
        customer=document.customer, provider="stripe", account=account, reference=reference
    )
    payment = Payment.objects.create(
        issuer=document.issuer,
        customer=document.customer,
        provider="stripe",
        account=account,
        way=Payment.Way.PROVIDER,
        method=method,
        document=document,
        amount_minor=1000,
        currency="EUR",
        state=Payment.State.PENDING,
    )
    # The charge was made, and its answer lost before anything of it was kept.
    provider.charge(
        ChargeRequest(payment.idempotency_key, TEN, reference, "RE-1", 1, payer, return_url="https://a.b")
    )
    body, signature = news_of(payment.idempotency_key, letterbox)
    assert post(body.replace(b"succeeded", b"succeeeed"), signature) == 400
    assert post(body, signature) == 200
    outbox.drain(WebhookEvent, now=clock.now())
    payment.refresh_from_db()
    assert payment.state == Payment.State.SETTLED
    assert payment.reference.startswith("pi_")
