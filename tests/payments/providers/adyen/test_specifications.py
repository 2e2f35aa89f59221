"""What the vendor wrote down: every request, every answer of the stand-in, every example of a webhook."""

import copy
import json
import uuid
from collections import Counter

import pytest

from cms_billing.core.money import Money
from cms_billing.payments.providers import ChargeRequest, RefundRequest, WebhookRefused
from cms_billing.payments.providers.adyen import AdyenProvider
from cms_billing.payments.providers.values import Account
from cms_billing.testing.models import VendorWebhook
from cms_billing.testing.vendors import adyen as stand_in
from cms_billing.testing.vendors.adyen.hosted import pay
from cms_billing.testing.vendors.behaviours import Behaviour

from . import specs
from .conftest import HMAC_KEY, PAYER

MERCHANT = "YOUR_MERCHANT_ACCOUNT"


@pytest.fixture(autouse=True)
def specifications():
    specs.need_specs()


def receiver_of(example):
    account = Account(
        provider="adyen",
        slug="main",
        issuer_id=1,
        is_live="true" in (example.get("live"), example.get("environment")),
        options={"merchant_account": MERCHANT},
        secrets={"WEBHOOK_HMAC_KEY": HMAC_KEY},
    )
    return AdyenProvider(account)


def examples(name):
    return {key: entry["value"] for key, entry in specs.load(name)["components"]["examples"].items()}


def standard_examples():
    return {key: value for key, value in examples(specs.WEBHOOKS).items() if "notificationItems" in value}


def items(batch):
    return [entry["NotificationRequestItem"] for entry in batch["notificationItems"]]


def signed(batch):
    from Adyen.util import generate_notification_sig

    batch = copy.deepcopy(batch)
    for item in items(batch):
        item.setdefault("additionalData", {})
        item["additionalData"]["hmacSignature"] = generate_notification_sig(item, HMAC_KEY).decode()
    return batch


def refused(batch, headers=None, receiver=None):
    try:
        (receiver or receiver_of(batch)).read_webhook(body=json.dumps(batch).encode(), headers=headers or {})
    except WebhookRefused:
        return True
    return False


# A field, what it is changed to, and to what where it is that already.
TAMPERED = {
    "pspReference": ("AAAAAAAAAAAAAAAA", ""),
    "originalReference": ("BBBBBBBBBBBBBBBB", ""),
    "merchantAccountCode": ("OtherMerchant", ""),
    "merchantReference": ("another-reference", ""),
    "eventCode": ("CHARGEBACK_REVERSED", "CHARGEBACK"),
    "success": ("false", "true"),
}


def copies(batch):
    """Each signed field changed, each signature missing, empty, no text or another's, an unsigned item slipped in."""
    for number, item in enumerate(items(batch)):
        for field, (other, else_other) in TAMPERED.items():
            yield field, _changed(batch, number, {field: other if item.get(field) != other else else_other})
        amount = item["amount"]
        foreign = "USD" if amount["currency"] != "USD" else "EUR"
        yield "value", _changed(batch, number, {"amount": {**amount, "value": amount["value"] + 1}})
        yield "currency", _changed(batch, number, {"amount": {**amount, "currency": foreign}})
        yield "value as text", _changed(batch, number, {"amount": {**amount, "value": str(amount["value"])}})
        yield "success as bool", _changed(batch, number, {"success": item["success"] == "true"})
        more = item["additionalData"]
        rest = {key: value for key, value in more.items() if key != "hmacSignature"}
        yield "no signature", _changed(batch, number, {"additionalData": rest})
        for signature in ("", None, 5, "b0ea55c2fe60d4d1d605e9c385e0e7...", "ä"):
            yield (
                f"signature {signature!r}",
                _changed(batch, number, {"additionalData": {**rest, "hmacSignature": signature}}),
            )
        yield "no additionalData", _changed(batch, number, {"additionalData": None})
        without = _changed(batch, number, {})
        items(without)[number].pop("additionalData")
        yield "additionalData gone", without
    slipped_in = copy.deepcopy(batch)
    forged = copy.deepcopy(batch["notificationItems"][0])
    forged["NotificationRequestItem"]["pspReference"] = "FORGEDFORGEDFORG"
    slipped_in["notificationItems"].append(forged)
    yield "forged second item", slipped_in


def _changed(batch, number, changes):
    changed = copy.deepcopy(batch)
    items(changed)[number].update(changes)
    return changed


def test_every_example_of_a_webhook_is_accepted_when_signed_and_refused_when_tampered_with():
    genuine, tampered, passed = 0, Counter(), []
    for name, example in standard_examples().items():
        batch = signed(example)
        references = receiver_of(batch).read_webhook(body=json.dumps(batch).encode(), headers={})
        assert items(batch)[0]["pspReference"] in references, name
        genuine += 1
        for what, forged in copies(batch):
            tampered[what] += 1
            if not refused(forged):
                passed.append((name, what))

    assert not passed
    assert genuine >= 39
    assert all(count >= genuine for count in tampered.values())


def test_unsigned_examples_as_they_are_printed_are_refused():
    assert [name for name, example in standard_examples().items() if not refused(example)] == []


def test_every_example_of_a_token_webhook_is_accepted_when_signed_and_refused_when_tampered_with():
    from Adyen.util import generate_payload_sig

    for name, example in examples(specs.TOKENS).items():
        if "type" not in example:
            continue
        body = json.dumps(example).encode()
        signature = generate_payload_sig(body, HMAC_KEY).decode()
        assert receiver_of(example).read_webhook(body=body, headers={"HmacSignature": signature}), name
        for headers in ({}, {"HmacSignature": ""}, {"HmacSignature": "x"}, {"HmacSignature": signature[:-2]}):
            assert refused(example, headers), (name, headers)
        for field in example["data"]:
            forged = {**example, "data": {**example["data"], field: "other"}}
            assert refused(forged, {"HmacSignature": signature}), (name, field)


def test_webhook_of_another_merchant_account_is_refused_although_signed():
    example = copy.deepcopy(next(iter(standard_examples().values())))
    items(example)[0]["merchantAccountCode"] = "OtherMerchant"

    assert refused(signed(example))


def test_webhook_of_the_live_platform_is_refused_by_a_test_account():
    example = next(iter(standard_examples().values()))

    assert refused(signed({**example, "live": "true"}), receiver=receiver_of(example))


@pytest.mark.django_db
def test_every_operation_is_asked_and_answered_as_the_specification_says(provider, page_request):
    """The session compares each request and answer; here all operations are made once, for cards and debits."""
    specs.SEEN.clear()
    provider.probe()
    for behaviour in (Behaviour.GOOD_CARD, Behaviour.GOOD_ACCOUNT, Behaviour.STOLEN_CARD):
        key = uuid.uuid4()
        page = provider.open_page(page_request(key, kinds=("card", "sepa_debit")))
        result = pay(page.reference, behaviour).split("sessionResult=")[1]
        provider.look_up_page(
            reference=page.reference,
            idempotency_key=key,
            payer_reference=PAYER,
            returned_with={
                "sessionResult": result.replace("%2F", "/").replace("%2B", "+").replace("%3D", "=")
            },
        )
    payment = None
    for method in provider.methods_of(payer_reference=PAYER):
        notice = provider.charge(
            ChargeRequest(
                idempotency_key=uuid.uuid4(),
                amount=Money(990, "EUR"),
                method_reference=method.reference,
                description="R-1",
                issuer_id=1,
                payer_reference=PAYER,
                kind=method.kind,
                return_url="https://example.org/back/",
            )
        )
        payment = payment or notice
    provider.refund(RefundRequest(uuid.uuid4(), payment.reference, Money(100, "EUR"), "", 1))
    provider.forget_method(reference=method.reference, payer_reference=PAYER)

    assert {(verb, path) for verb, path, _status in specs.SEEN} == {
        ("POST", "/paymentMethods"),
        ("POST", "/sessions"),
        ("GET", "/sessions/{sessionId}"),
        ("POST", "/payments"),
        ("POST", "/payments/{paymentPspReference}/refunds"),
        ("GET", "/storedPaymentMethods"),
        ("DELETE", "/storedPaymentMethods/{storedPaymentMethodId}"),
    }
    assert {status for _verb, _path, status in specs.SEEN} == {200, 201, 204}


@pytest.mark.django_db
def test_webhooks_of_the_stand_in_are_as_the_specification_says(provider, page_request):
    page = provider.open_page(page_request(uuid.uuid4()))
    pay(page.reference, Behaviour.DISPUTED_CARD)
    [method] = provider.methods_of(payer_reference=PAYER)
    notice = provider.charge(
        ChargeRequest(
            uuid.uuid4(), Money(990, "EUR"), method.reference, "", 1, PAYER, "card", "https://a.example/"
        )
    )
    provider.refund(RefundRequest(uuid.uuid4(), notice.reference, Money(100, "EUR"), "", 1))
    stand_in.charge_back_now(notice.reference)
    stand_in.win_dispute(notice.reference)
    stand_in.fail_capture_now(notice.reference)
    stand_in.revoke_method(method.reference)

    seen = set()
    for webhook in VendorWebhook.objects.all():
        told = json.loads(bytes(webhook.body))
        if "type" in told:
            kind, name = told["type"], specs.TOKENS
            pointer = specs.pointer(
                "webhooks", kind, "post", "requestBody", "content", "application/json", "schema"
            )
        else:
            kind, name = items(told)[0]["eventCode"], specs.WEBHOOKS
            pointer = specs.pointer(
                "webhooks", f"/{kind}", "post", "requestBody", "content", "application/json", "schema"
            )
        wrong = specs.complaints(name, pointer, told)
        assert not wrong, (kind, wrong)
        seen.add(kind)
    tokens = {"recurring.token.created", "recurring.token.disabled"}
    assert seen == tokens | {"AUTHORISATION", "REFUND", "CHARGEBACK", "CHARGEBACK_REVERSED", "CAPTURE_FAILED"}
