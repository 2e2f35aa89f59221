"""Events: signed by Stripe's own helper, read only when they are, and only for what they name."""

from __future__ import annotations

import inspect
import json
import re
import time

import pytest
import stripe

from cms_billing.payments.providers import WebhookRefused
from cms_billing.payments.providers.stripe import StripeProvider, webhooks
from tests import settings

from .scripted import account

SECRET = "whsec_scripted"


def event(kind: str, thing: dict, **facts) -> bytes:
    told = {
        "id": "evt_1",
        "object": "event",
        "api_version": stripe.api_version,
        "livemode": False,
        "type": kind,
        "data": {"object": thing},
        **facts,
    }
    return json.dumps(told).encode()


def signed(body: bytes, secret: str = SECRET, *, age: int = 0) -> dict[str, str]:
    header = stripe.WebhookSignature.generate_signature_header(
        body.decode(), secret, timestamp=int(time.time()) - age
    )
    return {"Stripe-Signature": header}


def read(body: bytes, headers: dict[str, str] | None = None, **facts) -> list[str]:
    return StripeProvider(account(**facts)).read_webhook(
        body=body, headers=signed(body) if headers is None else headers
    )


PAID = event("payment_intent.succeeded", {"id": "pi_1", "object": "payment_intent", "metadata": {}})


@pytest.mark.parametrize(
    ("kind", "thing", "references"),
    [
        (
            "payment_intent.succeeded",
            {"id": "pi_1", "object": "payment_intent", "metadata": {"cms_billing_key": "k-1"}},
            ["pi_1", "k-1"],
        ),
        (
            "checkout.session.completed",
            {
                "id": "cs_1",
                "object": "checkout.session",
                "client_reference_id": "k-1",
                "payment_intent": "pi_1",
                "setup_intent": None,
                "metadata": {"cms_billing_key": "k-1"},
            },
            ["cs_1", "k-1", "pi_1"],
        ),
        ("charge.refunded", {"id": "ch_1", "object": "charge", "payment_intent": "pi_1"}, ["pi_1", "ch_1"]),
        ("refund.failed", {"id": "re_1", "object": "refund", "payment_intent": "pi_1"}, ["re_1", "pi_1"]),
        (
            "charge.dispute.created",
            {"id": "du_1", "object": "dispute", "payment_intent": {"id": "pi_1"}, "charge": "ch_1"},
            ["pi_1", "ch_1"],
        ),
        (
            "mandate.updated",
            {"id": "mandate_1", "object": "mandate", "payment_method": "pm_1"},
            ["mandate_1", "pm_1"],
        ),
        ("customer.deleted", {"id": "cus_1", "object": "customer"}, ["cus_1"]),
        (
            "payment_method.automatically_updated",
            {"id": "pm_1", "object": "payment_method", "customer": "cus_1"},
            ["pm_1", "cus_1"],
        ),
        (
            "setup_intent.succeeded",
            {"id": "seti_1", "object": "setup_intent", "customer": "cus_1", "payment_method": "pm_1"},
            ["seti_1", "cus_1", "pm_1"],
        ),
        ("payment_intent.created", {"id": "pi_1", "object": "payment_intent"}, []),
        ("charge.succeeded", {"id": "ch_1", "object": "charge", "payment_intent": "pi_1"}, []),
        ("product.created", {"id": "prod_1", "object": "product"}, []),
    ],
)
def test_event_names_what_it_speaks_of(kind, thing, references):
    assert read(event(kind, thing)) == references


def test_events_to_subscribe_to_are_stripes_and_those_of_the_documentation():
    literals = set(re.findall(r'"([a-z_.]+)"', inspect.getsource(stripe.Event)))
    assert set(StripeProvider.webhook_events) <= literals
    page = (settings.ROOT / "docs/apps/payments/stripe.md").read_text()
    (block,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert sorted(block.split()) == sorted(StripeProvider.webhook_events)


def test_detached_method_names_the_customer_it_had():
    thing = {"id": "pm_1", "object": "payment_method", "customer": None}
    told = {"object": thing, "previous_attributes": {"customer": "cus_1"}}
    assert read(event("payment_method.detached", thing, data=told)) == ["pm_1", "cus_1"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Stripe-Signature": ""},
        {"Stripe-Signature": "nonsense"},
        {"Stripe-Signature": "t=now,v1=abc"},
        signed(PAID, "whsec_another"),
        signed(PAID, age=301),
        signed(PAID + b" "),
        {"Stripe-Signature": signed(PAID)["Stripe-Signature"].replace("v1=", "v0=")},
    ],
)
def test_event_that_is_not_signed_now_and_by_this_account_is_refused(headers):
    with pytest.raises(WebhookRefused):
        read(PAID, headers)


@pytest.mark.parametrize(
    "changed",
    [PAID.replace(b"pi_1", b"pi_2"), PAID + b"\n", PAID.replace(b"false", b"true"), b"", b"\xff\xfe"],
)
def test_changed_body_is_refused(changed):
    with pytest.raises(WebhookRefused):
        read(changed, signed(PAID))


def test_event_of_five_minutes_ago_is_still_taken():
    assert read(PAID, signed(PAID, age=290)) == ["pi_1"]


def test_both_secrets_hold_while_one_takes_over():
    secrets = {"SECRET_KEY": "sk_test_1", "WEBHOOK_SECRET": f"whsec_new, {SECRET}"}
    for secret in ("whsec_new", SECRET):
        assert read(PAID, signed(PAID, secret), secrets=secrets) == ["pi_1"]
    with pytest.raises(WebhookRefused):
        read(PAID, signed(PAID, "whsec_new, whsec_scripted"), secrets=secrets)


def test_without_a_secret_nothing_is_believed():
    with pytest.raises(WebhookRefused, match="no webhook secret"):
        read(PAID, signed(PAID, ""), secrets={"SECRET_KEY": "sk_test_1"})


@pytest.mark.parametrize("body", [b"[]", b"{}", b'"event"', b"nothing", b'{"object": "v2.core.event"}'])
def test_signed_body_that_is_no_event_is_refused(body):
    with pytest.raises(WebhookRefused, match="no event"):
        read(body)


def test_live_event_for_a_test_account_is_refused():
    with pytest.raises(WebhookRefused, match="other mode"):
        read(event("payment_intent.succeeded", {"id": "pi_1", "object": "payment_intent"}, livemode=True))


def test_event_of_a_connected_account_is_of_no_interest():
    thing = {"id": "pi_1", "object": "payment_intent"}
    assert read(event("payment_intent.succeeded", thing, account="acct_other")) == []


def test_events_of_another_version_are_taken_and_told_once(caplog, monkeypatch):
    monkeypatch.setattr(webhooks, "_warned", set())
    thing = {"id": "pi_1", "object": "payment_intent"}
    old = event("payment_intent.succeeded", thing, api_version="2025-03-31.basil")
    same = event("payment_intent.succeeded", thing, api_version="2026-11-30.endive")
    assert [read(old), read(old), read(same)] == [["pi_1"]] * 3
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "stripe/main" in caplog.text
    assert "2025-03-31.basil" in caplog.text
