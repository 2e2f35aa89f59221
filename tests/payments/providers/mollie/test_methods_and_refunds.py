"""Mandates as people read them, and refunds in their states."""

import uuid
from datetime import date

import pytest

from cms_billing.core.money import Money
from cms_billing.payments.providers import ProviderDown, RefundRequest, RefundStatus

from .conftest import listing, refusal, scripted


def methods_of(*mandates):
    provider, _ = scripted(listing("mandates", *mandates))
    return provider.methods_of(payer_reference="cst_1")


def mandate(method: str, **details) -> dict:
    return {
        "id": "mdt_1",
        "status": "valid",
        "method": method,
        "mandateReference": "SD-1",
        "details": details,
    }


@pytest.mark.parametrize(
    ("told", "kind", "label"),
    [
        (mandate("creditcard", cardLabel="Mastercard", cardNumber="6787"), "card", "Mastercard •••• 6787"),
        (mandate("creditcard", cardLabel=None, cardNumber="6787"), "card", "Card •••• 6787"),
        (mandate("directdebit", consumerAccount="NL55INGB0000000000"), "sepa_debit", "NL •••• 0000"),
        (mandate("directdebit"), "sepa_debit", "SEPA direct debit"),
        (mandate("paypal", consumerAccount="john@example.org"), "paypal", "PayPal j•••@example.org"),
        (mandate("paypal"), "paypal", "PayPal"),
        (mandate("newmethod"), "other", "newmethod"),
    ],
)
def test_method_is_named_without_its_whole_number(told, kind, label):
    (method,) = methods_of(told)
    assert (method.kind, method.label, method.reference) == (kind, label, "cst_1/mdt_1")


def test_same_account_has_the_same_mark_which_does_not_show_it():
    one, other, third = methods_of(
        mandate("directdebit", consumerAccount="NL55INGB0000000000"),
        mandate("directdebit", consumerAccount="NL55 ingb 0000000000"),
        mandate("directdebit", consumerAccount="DE89370400440532013000"),
    )
    assert one.fingerprint == other.fingerprint != third.fingerprint
    assert "INGB" not in one.fingerprint


@pytest.mark.parametrize(
    ("told", "day"),
    [("2027-03-31", date(2027, 3, 31)), ("2028-02-01", date(2028, 2, 29)), (None, None), ("03/27", None)],
)
def test_card_is_good_until_the_end_of_its_month(told, day):
    (method,) = methods_of(mandate("creditcard", cardNumber="1", cardExpiryDate=told))
    assert method.expires_on == day


def test_customer_that_is_gone_has_no_methods():
    provider, _ = scripted(refusal(410, "The customer is gone"))
    assert provider.methods_of(payer_reference="cst_1") == []


def test_forgetting_what_is_not_there_or_not_mollies_is_no_error():
    provider, adapter = scripted(refusal(404, "No mandate exists"), refusal(410, "Gone"))
    provider.forget_method(reference="cst_1/mdt_1", payer_reference="cst_1")
    provider.forget_method(reference="cst_1/mdt_1", payer_reference="cst_1")
    provider.forget_method(reference="card-1", payer_reference="")
    assert [one.method for one in adapter.asked] == ["DELETE", "DELETE"]


# -- refunds -----------------------------------------------------------------------------------------------------------

KEY = uuid.UUID("00000000-0000-4000-8000-000000000002")
REQUEST = RefundRequest(KEY, "tr_WDqYK6vllg", Money.of("3.00", "EUR"), "Credit note 1", 1)


def refund(**changes) -> dict:
    facts = {
        "resource": "refund",
        "id": "re_4qqhO89gsT",
        "status": "pending",
        "amount": {"currency": "EUR", "value": "3.00"},
        "paymentId": "tr_WDqYK6vllg",
        "metadata": {"key": str(KEY)},
    }
    return {**facts, **changes}


def test_refund_sends_amount_description_and_key():
    provider, adapter = scripted((201, refund()))
    provider.refund(REQUEST)
    assert adapter.bodies == [
        {
            "amount": {"currency": "EUR", "value": "3.00"},
            "description": "Credit note 1",
            "metadata": {"key": str(KEY)},
        }
    ]
    assert adapter.asked[0].url.endswith("/v2/payments/tr_WDqYK6vllg/refunds")


@pytest.mark.parametrize(
    ("status", "means"),
    [
        ("queued", RefundStatus.PENDING),
        ("pending", RefundStatus.PENDING),
        ("processing", RefundStatus.PENDING),
        ("refunded", RefundStatus.PAID),
        ("failed", RefundStatus.FAILED),
        ("canceled", RefundStatus.FAILED),
    ],
)
def test_each_status_of_a_refund_has_its_meaning(status, means):
    provider, _ = scripted((200, refund(status=status)))
    notice = provider.look_up_refund(
        reference="re_4qqhO89gsT", payment_reference="tr_WDqYK6vllg", idempotency_key=None
    )
    assert (notice.status, notice.idempotency_key) == (means, KEY)


def test_refund_that_mollie_takes_for_a_repetition_is_ours_or_is_made_later():
    conflict = refusal(409, "A duplicate refund has been detected")
    provider, _ = scripted(conflict, listing("refunds", refund()))
    assert provider.refund(REQUEST).reference == "re_4qqhO89gsT"
    provider, _ = scripted(conflict, listing("refunds", refund(metadata=None)))
    with pytest.raises(ProviderDown, match="repetition"):
        provider.refund(REQUEST)


def test_refund_named_by_a_webhook_alone_is_found_among_all():
    provider, adapter = scripted(listing("refunds", refund(id="re_other"), refund()))
    found = provider.look_up_refund(reference="re_4qqhO89gsT", payment_reference="", idempotency_key=None)
    assert found.reference == "re_4qqhO89gsT"
    assert adapter.asked[0].url == "https://api.mollie.com/v2/refunds?limit=250"


def test_refund_that_is_not_there_is_none():
    provider, _ = scripted(refusal(404, "No refund exists"))
    assert provider.look_up_refund(reference="re_1", payment_reference="tr_1", idempotency_key=None) is None
    provider, _ = scripted(listing("refunds"))
    assert provider.look_up_refund(reference="", payment_reference="tr_1", idempotency_key=KEY) is None
    provider, adapter = scripted()
    assert provider.look_up_refund(reference="tr_1", payment_reference="", idempotency_key=None) is None
    assert not adapter.asked
