"""What goes wrong between us and Adyen: each in the right class, with a sentence, and without a secret."""

import json
import logging
import uuid
from dataclasses import replace
from datetime import date

import pytest
import requests
import urllib3

from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.payments.credentials import account_of, provider_for
from cms_billing.payments.providers import (
    AccountRefused,
    ChargeRequest,
    OutcomeUnknown,
    PayerFacts,
    ProviderDown,
    RefundRequest,
    Status,
    WebhookRefused,
)
from cms_billing.payments.providers.adyen import AdyenProvider
from cms_billing.testing.vendors.webhooks import tell

from .conftest import HMAC_KEY, PAYER, SECRETS

SECRET_TEXTS = [value for name, value in SECRETS.items() if name != "SESSION"]


class Scripted:
    """A session that answers one thing, and remembers what it was asked."""

    def __init__(self, status=200, body=None, headers=None, error=None):
        self.status, self.body, self.headers, self.error = status, body, headers or {}, error
        self.asked = []

    def request(self, method, url, **more):
        self.asked.append((method, url, more))
        if self.error is not None:
            raise self.error
        response = requests.Response()
        response.status_code = self.status
        response.headers.update(self.headers)
        response._content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return response


@pytest.fixture
def answered(account):
    """``answered(status, body)``: a provider whose every request is answered so; ``provider.session`` knows it."""

    def make(status=200, body=None, *, headers=None, error=None, **changes):
        session = Scripted(status, body, headers, error)
        provider = AdyenProvider(replace(account_of(account), new_session=lambda: session, **changes))
        provider.session = session
        return provider

    return make


def charge(provider, **changes):
    request = ChargeRequest(
        **{
            "idempotency_key": uuid.UUID("7d9f0a52-2a4c-4c3f-9a9d-0f2f6f0f5a11"),
            "amount": Money(990, "EUR"),
            "method_reference": "M5N7TQ4TG5PFWR50",
            "description": "R-1",
            "issuer_id": 1,
            "payer_reference": PAYER,
            "kind": "card",
            "return_url": "https://example.org/back/",
            **changes,
        }
    )
    return provider.charge(request)


def service_error(status, code, kind="validation", message="No."):
    return {"status": status, "errorCode": code, "message": message, "errorType": kind}


def dead(name):
    """A connection that was never made, as urllib3 says it."""
    cause = (
        getattr(urllib3.exceptions, name)(None, "no")
        if name != "NameResolutionError"
        else (urllib3.exceptions.NameResolutionError("checkout", None, OSError("no")))
    )
    return requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/", cause))


@pytest.mark.parametrize(
    ("provider_says", "expected"),
    [
        ({"status": 401, "body": service_error(401, "000", "security")}, AccountRefused),
        ({"status": 403, "body": service_error(403, "901", "security")}, AccountRefused),
        ({"status": 403, "body": service_error(403, "010", "security")}, AccountRefused),
        ({"status": 429, "body": service_error(429, "429")}, ProviderDown),
        ({"status": 503, "body": b"<html>"}, ProviderDown),
        ({"status": 422, "body": service_error(422, "704")}, OutcomeUnknown),
        ({"status": 409, "body": service_error(409, "704")}, OutcomeUnknown),
        ({"status": 500, "body": service_error(500, "000", "internal")}, OutcomeUnknown),
        ({"status": 502, "body": b"<html>"}, OutcomeUnknown),
        ({"status": 500, "body": {}, "headers": {"transient-error": "true"}}, ProviderDown),
        ({"status": 500, "body": service_error(500, "905", "configuration")}, PermanentFailure),
        ({"status": 422, "body": service_error(422, "138")}, PermanentFailure),
        ({"status": 422, "body": service_error(422, "137")}, PermanentFailure),
        ({"status": 400, "body": service_error(400, "702")}, PermanentFailure),
        ({"status": 302, "body": b""}, OutcomeUnknown),
        ({"status": 200, "body": b"<html>Welcome</html>"}, OutcomeUnknown),
        ({"status": 200, "body": [1]}, OutcomeUnknown),
        ({"status": 200, "body": {"pspReference": "X", "resultCode": "Sleeping"}}, ProviderDown),
        ({"status": 200, "body": {"pspReference": "X", "resultCode": "PartiallyAuthorised"}}, ProviderDown),
        ({"error": requests.ReadTimeout("x")}, OutcomeUnknown),
        ({"error": requests.ConnectionError("Connection aborted.")}, OutcomeUnknown),
        ({"error": requests.exceptions.ChunkedEncodingError("x")}, OutcomeUnknown),
        ({"error": requests.ConnectTimeout("x")}, ProviderDown),
        ({"error": dead("NewConnectionError")}, ProviderDown),
        ({"error": dead("NameResolutionError")}, ProviderDown),
        ({"error": requests.exceptions.SSLError("x")}, ProviderDown),
    ],
    ids=str,
)
def test_every_failure_of_a_charge_has_its_class(answered, provider_says, expected):
    with pytest.raises(expected) as raised:
        charge(answered(**provider_says))

    assert "adyen/main" in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize(
    "says",
    [{"status": 500, "body": {}}, {"error": requests.ReadTimeout("x")}, {"status": 200, "body": b"<p>"}],
)
def test_the_same_on_a_question_is_only_down(answered, says):
    with pytest.raises(ProviderDown):
        answered(**says).probe()
    with pytest.raises(ProviderDown):
        answered(**says).methods_of(payer_reference=PAYER)


@pytest.mark.parametrize("result", ["RedirectShopper", "IdentifyShopper", "ChallengeShopper"])
def test_bank_that_wants_the_payer_is_a_refusal_that_asks_for_authentication(answered, result):
    notice = charge(answered(200, {"pspReference": "P1", "resultCode": result}))

    assert (notice.status, notice.code, notice.final) == (Status.FAILED, "38", False)


def test_refund_whose_answer_is_lost_has_an_unknown_outcome(answered):
    with pytest.raises(OutcomeUnknown):
        answered(error=requests.ReadTimeout("x")).refund(
            RefundRequest(uuid.uuid4(), "P1", Money(100, "EUR"), "", 1)
        )


@pytest.mark.parametrize(
    ("missing", "sentence"), [("API_KEY", "API key"), ("merchant_account", "merchant account")]
)
def test_incomplete_account_says_what_is_missing_and_asks_nobody(answered, account, missing, sentence):
    kept = account_of(account)
    changes = {
        "secrets": {k: v for k, v in kept.secrets.items() if k != missing},
        "options": {k: v for k, v in kept.options.items() if k != missing},
    }
    provider = answered(**changes)

    with pytest.raises(AccountRefused, match=rf"(?s){sentence}.*adyen/main|adyen/main.*{sentence}"):
        provider.probe()
    assert provider.session.asked == []


def test_live_account_needs_its_prefix_and_goes_to_its_own_host(answered):
    with pytest.raises(AccountRefused, match="live endpoint prefix"):
        answered(200, {"paymentMethods": []}, is_live=True).probe()

    options = {"merchant_account": "AkademieECOM", "endpoint_prefix": "1797a841fbb37ca7-Akademie"}
    provider = answered(200, {"paymentMethods": []}, is_live=True, options=options)
    assert provider.probe().is_live

    [(_method, url, _more)] = provider.session.asked
    assert url == (
        "https://1797a841fbb37ca7-Akademie-checkout-live.adyenpayments.com/checkout/v72/paymentMethods"
    )


def test_other_address_is_used_for_every_api(answered):
    provider = answered(
        200, {"paymentMethods": [], "storedPaymentMethods": []}, api_url="http://127.0.0.1:9/"
    )
    provider.probe()
    provider.methods_of(payer_reference="m-1&x=1 +ä")

    urls = [url for _method, url, _more in provider.session.asked]
    assert urls[0] == "http://127.0.0.1:9/v72/paymentMethods"
    assert urls[1] == (
        "http://127.0.0.1:9/v72/storedPaymentMethods"
        "?shopperReference=m-1%26x%3D1%20%2B%C3%A4&merchantAccount=AkademieECOM"
    )


def test_charge_is_sent_once_with_its_key_as_key_and_reference(answered):
    provider = answered(200, {"pspReference": "P1", "resultCode": "Authorised"})
    charge(provider)

    [(method, url, more)] = provider.session.asked
    key = "7d9f0a52-2a4c-4c3f-9a9d-0f2f6f0f5a11"
    assert (method, url) == ("POST", "https://checkout-test.adyen.com/v72/payments")
    assert more["headers"]["Idempotency-Key"] == more["json"]["reference"] == key
    assert more["timeout"] == (2.0, 20.0)
    assert more["allow_redirects"] is False


@pytest.mark.parametrize(
    ("amount", "value"),
    [(Money(990, "EUR"), 990), (Money(990, "JPY"), 990), (Money(990, "KWD"), 990), (Money(7, "ISK"), 700)],
)
def test_amounts_go_in_adyen_s_minor_units(answered, amount, value):
    provider = answered(200, {"pspReference": "P1", "resultCode": "Authorised"})
    charge(provider, amount=amount)

    assert provider.session.asked[0][2]["json"]["amount"] == {"currency": amount.currency, "value": value}


@pytest.mark.parametrize("key", ["ab", "m with space", "m&a=b", "x" * 257, ""])
def test_payer_names_that_adyen_or_addresses_cannot_take_are_not_sent(answered, page_request, key):
    provider = answered(201, {})
    with pytest.raises(PermanentFailure):
        provider.open_page(page_request(uuid.uuid4(), payer=PayerFacts(key=key)))
    assert provider.session.asked == []


@pytest.mark.parametrize("currency", ["SEK", "TWD"])
def test_currency_the_account_does_not_take_is_a_plain_sentence(provider, page_request, currency):
    request = page_request(uuid.uuid4(), amount=Money(990, currency))
    if currency == "SEK":
        assert provider.open_page(request).url
    else:
        with pytest.raises(PermanentFailure, match="adyen/main does not take this currency"):
            provider.open_page(request)


def test_wrong_key_says_so_and_shows_none(secrets, account):
    secrets(API_KEY="AQE-somebody-elses")
    provider = provider_for(account)
    secrets()

    with pytest.raises(AccountRefused, match="API key of adyen/main") as raised:
        provider.probe()
    assert "somebody" not in str(raised.value)


def test_secrets_are_in_no_error_log_or_repr(answered, caplog, account):
    caplog.set_level(logging.DEBUG)
    shown = [repr(account_of(account)), repr(AdyenProvider(account_of(account)))]
    says = [
        {"status": 401, "body": service_error(401, "000", "security")},
        {"status": 500, "body": {}},
        {"status": 422, "body": service_error(422, "1", message="x")},
        {"error": requests.ReadTimeout("x", request=requests.Request("POST", "https://x", headers=SECRETS))},
        {"status": 200, "body": b"<html>"},
    ]
    for answer in says:
        with pytest.raises((AccountRefused, OutcomeUnknown, PermanentFailure)) as raised:
            charge(answered(**answer))
        shown += [str(raised.value), repr(raised.value), repr(raised.value.__cause__)]

    everything = "\n".join([*shown, caplog.text])
    assert not [secret for secret in SECRET_TEXTS if secret in everything]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'{"notificationItems": []}',
        b'{"notificationItems": "x"}',
        b'{"notificationItems": [{}]}',
        b'{"notificationItems": [{"NotificationRequestItem": 5}]}',
        b'{"type": "recurring.token.created"}',
        b"\xff\xfe",
    ],
)
def test_unreadable_webhooks_are_refused(provider, body):
    with pytest.raises(WebhookRefused):
        provider.read_webhook(body=body, headers=password())


def password(user=SECRETS["WEBHOOK_USER"], given=SECRETS["WEBHOOK_PASSWORD"]):
    return {"authorization": requests.auth._basic_auth_str(user, given)}


def batch(*, key=HMAC_KEY, merchant="AkademieECOM", **changes):
    from Adyen.util import generate_notification_sig

    item = {
        "amount": {"currency": "EUR", "value": 990},
        "eventCode": "AUTHORISATION",
        "eventDate": "2026-03-01T10:00:00+01:00",
        "merchantAccountCode": merchant,
        "merchantReference": "R-1",
        "pspReference": "P1",
        "success": "true",
        **changes,
    }
    item["additionalData"] = {"hmacSignature": generate_notification_sig(item, key).decode()}
    return json.dumps({"live": "false", "notificationItems": [{"NotificationRequestItem": item}]}).encode()


def test_endpoint_with_a_password_wants_it(provider):
    assert provider.read_webhook(body=batch(), headers=password()) == ["P1", "R-1"]
    for headers in ({}, password(given="wrong"), {"Authorization": "Basic"}):
        with pytest.raises(WebhookRefused):
            provider.read_webhook(body=batch(), headers=headers)


def test_old_and_new_key_are_accepted_while_keys_are_changed(secrets, account):
    old = "A" * 64
    secrets(WEBHOOK_HMAC_KEY=f"{HMAC_KEY} {old}")
    provider = provider_for(account)

    assert provider.read_webhook(body=batch(key=old), headers=password())
    with pytest.raises(WebhookRefused):
        provider.read_webhook(body=batch(key="B" * 64), headers=password())


@pytest.mark.parametrize("key", ["", "no hexadecimal number", "ABC"])
def test_account_without_a_usable_key_refuses_everything(secrets, account, key):
    secrets(WEBHOOK_HMAC_KEY=key)

    with pytest.raises(WebhookRefused):
        provider_for(account).read_webhook(body=batch(), headers=password())


def test_fields_cannot_be_shifted_over_a_colon(provider):
    """The signed text joins fields with colons; with one inside, two readings would have one signature."""
    with pytest.raises(WebhookRefused):
        provider.read_webhook(body=batch(pspReference="P1:X"), headers=password())


def test_report_name_that_is_none_is_never_fetched(provider):
    bad = batch(eventCode="REPORT_AVAILABLE", pspReference="../../secret.csv", merchantReference="")

    assert "REPORT_AVAILABLE" in provider.read_webhook(body=bad, headers=password())
    assert list(provider.payouts(since=date(2026, 1, 1), history=[bad])) == []


def test_provider_without_an_account_answers_what_it_is():
    provider = AdyenProvider()

    assert (provider.code, provider.capabilities.can_be_asked) == ("adyen", False)
    with pytest.raises(WebhookRefused):
        provider.read_webhook(body=batch(), headers={})


def test_news_for_another_merchant_reach_nobody_through_the_real_endpoint(client, account):
    foreign = tell(vendor="adyen", account="main", body=batch(merchant="Other"), headers=password())

    answer = client.post(
        "/billing/webhooks/adyen/main/",
        data=bytes(foreign.body),
        content_type="application/json",
        headers=foreign.headers,
    )

    assert answer.status_code == 400
