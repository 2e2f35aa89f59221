"""Signatures by the published scheme, with vectors that were made with ``openssl dgst -sha256 -hmac``."""

import json

import pytest

from cms_billing.payments.providers import WebhookRefused
from cms_billing.payments.providers.mollie import MollieProvider
from cms_billing.payments.providers.mollie.webhooks import signature

from .conftest import account_with

# printf '%s' "$BODY" | openssl dgst -sha256 -hmac topsecret
BODY = (
    b'{"resource":"event","id":"event_GvJ8WHrp5isUdRub9CJyH","type":"payment.paid","entityId":"tr_WDqYK6vllg",'
    b'"createdAt":"2026-03-10T12:00:00.0Z","_embedded":{"entity":{"resource":"payment","id":"tr_WDqYK6vllg"}}}'
)
SIGNATURE = "665fda132e4b75654b3fa5abfe67f2ee42d5bae1d8dc356ca2bd9d51a30ee33b"
WITH_OLD_SECRET = "1647f0ba4d1b24e397abd579b089bf78b3804e89b207542091f8fe4e7771b43c"
REFUND = (
    b'{"resource":"event","id":"event_2","type":"refund.failed","entityId":"re_4qqhO89gsT",'
    b'"_embedded":{"entity":{"id":"re_4qqhO89gsT","paymentId":"tr_WDqYK6vllg"}}}'
)
REFUND_SIGNATURE = "86e274252dbc94f3bbb1bdf8bcac32cdf74b387edb0cf6adc6128ccd10f95285"


def read(body: bytes, headers: dict[str, str], *, secret: str = "topsecret") -> list[str]:
    return MollieProvider(account_with(secrets={"WEBHOOK_SECRET": secret})).read_webhook(
        body=body, headers=headers
    )


@pytest.mark.parametrize(
    "given", [SIGNATURE, f"sha256={SIGNATURE}", f"sha256={'0' * 64}, sha256={SIGNATURE}"]
)
@pytest.mark.parametrize("name", ["X-Mollie-Signature", "x-mollie-signature"])
def test_signed_event_names_its_payment(given, name):
    assert read(BODY, {name: given}) == ["tr_WDqYK6vllg"]


def test_event_of_a_refund_names_payment_and_refund():
    assert read(REFUND, {"X-Mollie-Signature": f"sha256={REFUND_SIGNATURE}"}) == [
        "tr_WDqYK6vllg",
        "re_4qqhO89gsT",
    ]


@pytest.mark.parametrize("secret", ["oldsecret,topsecret", "topsecret oldsecret", "topsecret"])
def test_either_secret_will_do_while_they_are_exchanged(secret):
    assert read(BODY, {"X-Mollie-Signature": f"sha256={SIGNATURE}"}, secret=secret)


def test_old_secret_is_refused_once_it_is_taken_out():
    assert read(BODY, {"X-Mollie-Signature": WITH_OLD_SECRET}, secret="topsecret,oldsecret")
    with pytest.raises(WebhookRefused):
        read(BODY, {"X-Mollie-Signature": WITH_OLD_SECRET})


@pytest.mark.parametrize(
    ("body", "given"),
    [
        (BODY.replace(b"payment.paid", b"payment.fail"), SIGNATURE),
        (BODY + b" ", SIGNATURE),
        (BODY, SIGNATURE[:-1] + "0" if SIGNATURE[-1] != "0" else SIGNATURE[:-1] + "1"),
        (BODY, SIGNATURE[:32]),
        (BODY, ""),
        (BODY, "sha256="),
        (BODY, "sha1=" + SIGNATURE),
        (BODY, "é"),
    ],
)
def test_tampered_body_or_wrong_signature_is_refused(body, given):
    with pytest.raises(WebhookRefused):
        read(body, {"X-Mollie-Signature": given})


def test_signature_without_a_secret_of_ours_is_refused():
    with pytest.raises(WebhookRefused, match="WEBHOOK_SECRET"):
        read(BODY, {"X-Mollie-Signature": SIGNATURE}, secret="")
    with pytest.raises(WebhookRefused):
        MollieProvider().read_webhook(body=BODY, headers={"X-Mollie-Signature": SIGNATURE})


@pytest.mark.parametrize(
    "event",
    [
        {"resource": "event", "type": "hook.ping", "entityId": "hook_1234"},
        {"resource": "event", "type": "payment-link.paid", "entityId": "pl_1234"},
        {"resource": "event", "type": "profile.created"},
    ],
)
def test_event_of_no_interest_is_genuine_and_names_nothing(event):
    body = json.dumps(event).encode()
    assert read(body, {"X-Mollie-Signature": signature(body, "topsecret")}) == []


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"null", b"no json", b'{"resource":"event","type":"payment.paid"}']
)
def test_signed_nonsense_is_refused(body):
    with pytest.raises(WebhookRefused):
        read(body, {"X-Mollie-Signature": signature(body, "topsecret")})


def test_unsigned_event_is_refused_although_classic_forms_are_unsigned():
    with pytest.raises(WebhookRefused):
        read(BODY, {})


def test_classic_form_is_only_a_hint_at_a_reference():
    assert read(b"id=tr_WDqYK6vllg", {}) == ["tr_WDqYK6vllg"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"id=",
        b"id=tr_1%27%3B--",
        b"id=tr_WDqYK6vllg&id=tr_aaaaaaaa",
        b"ID=tr_WDqYK6vllg",
        b"id=../../etc",
        b"\xff\xfe",
        b"id=" + b"tr_" + b"a" * 5000,
        b"&".join(b"a=1" for _ in range(50)) + b"&id=tr_WDqYK6vllg",
    ],
)
def test_unreadable_form_is_refused(body):
    with pytest.raises(WebhookRefused):
        read(body, {})
