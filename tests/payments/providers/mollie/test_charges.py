"""What is sent to charge, and what Mollie's answers mean."""

import uuid

import pytest

from cms_billing.core.money import Money
from cms_billing.payments.providers import Status

from .conftest import listing, payment, refusal, scripted
from .test_errors import request

KEY = uuid.UUID("00000000-0000-4000-8000-000000000001")


def told(**changes):
    provider, _ = scripted((200, payment(**changes)))
    return provider.look_up(reference="tr_WDqYK6vllg", idempotency_key=None)


def euros(value: str) -> dict[str, str]:
    return {"currency": "EUR", "value": value}


def test_charge_sends_exactly_what_is_documented():
    provider, adapter = scripted((201, payment()))
    asked = request(webhook_url="https://a.example/w/", return_url="https://a.example/b/")
    provider.charge(asked)
    assert adapter.bodies == [
        {
            "amount": {"currency": "EUR", "value": "10.00"},
            "description": "RE-1",
            "customerId": "cst_8wmqcHMN4U",
            "mandateId": "mdt_h3gAaD5zP",
            "sequenceType": "recurring",
            "metadata": {"key": str(asked.idempotency_key)},
            "webhookUrl": "https://a.example/w/",
            "redirectUrl": "https://a.example/b/",
        }
    ]
    assert adapter.asked[0].headers["Idempotency-Key"] == str(asked.idempotency_key)
    assert adapter.asked[0].url == "https://api.mollie.com/v2/payments"


@pytest.mark.parametrize(
    ("money", "value"),
    [
        (Money(1000, "EUR"), "10.00"),
        (Money(5, "EUR"), "0.05"),
        (Money(1000, "JPY"), "1000"),
        (Money(5, "ISK"), "5"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(money, value):
    provider, adapter = scripted((201, payment()))
    provider.charge(request(amount=money))
    assert adapter.bodies[0]["amount"] == {"currency": money.currency, "value": value}


def test_description_is_never_empty_nor_too_long():
    provider, adapter = scripted((201, payment()), (201, payment()))
    asked = request(description="")
    provider.charge(asked)
    provider.charge(request(description="x" * 300))
    assert adapter.bodies[0]["description"] == str(asked.idempotency_key)
    assert len(adapter.bodies[1]["description"]) == 255


def test_another_address_is_asked_where_one_is_set():
    provider, adapter = scripted((201, payment()), api_url="https://mollie.example.com/")
    provider.charge(request())
    assert adapter.asked[0].url == "https://mollie.example.com/v2/payments"


@pytest.mark.parametrize(
    ("status", "means"),
    [
        ("open", Status.PENDING),
        ("pending", Status.PENDING),
        ("authorized", Status.PENDING),
        ("paid", Status.SETTLED),
        ("canceled", Status.FAILED),
        ("expired", Status.FAILED),
        ("failed", Status.FAILED),
    ],
)
def test_each_status_has_its_meaning(status, means):
    assert told(status=status).status is means


@pytest.mark.parametrize(
    ("more", "code", "final"),
    [
        (
            {"details": {"failureReason": "insufficient_funds", "failureMessage": "No"}},
            "insufficient_funds",
            False,
        ),
        ({"details": {"failureReason": "possible_fraud"}}, "possible_fraud", True),
        ({"details": {"failureReason": "inactive_card"}}, "inactive_card", True),
        ({"details": {"bankReasonCode": "AM04", "bankReason": "No money"}}, "AM04", False),
        ({"details": {"bankReasonCode": "AC04", "bankReason": "Closed"}}, "AC04", True),
        (
            {"details": None, "statusReason": {"code": "issuer_timeout", "message": "Late"}},
            "issuer_timeout",
            False,
        ),
        ({"details": {}}, "failed", False),
    ],
)
def test_failure_tells_mollies_code_and_whether_the_method_is_dead(more, code, final):
    notice = told(status="failed", **more)
    assert (notice.code, notice.final) == (code, final)
    assert notice.reason


def test_paid_payment_that_was_charged_back_is_not_paid_although_it_has_a_day_of_payment():
    chargeback = {
        "id": "chb_1",
        "amount": euros("10.00"),
        "reversedAt": None,
        "reason": {"code": "MD06", "description": "Return of funds"},
    }
    notice = told(
        paidAt="2026-03-10T12:00:00+00:00",
        amountChargedBack=euros("10.00"),
        _embedded={"chargebacks": [chargeback]},
    )
    assert (notice.status, notice.charged_back) == (Status.CHARGED_BACK, Money.of("10.00", "EUR"))
    assert (notice.code, notice.reason) == ("MD06", "Return of funds")


def test_chargebacks_add_up_without_those_that_were_won():
    chargebacks = [
        {"id": "chb_3", "amount": euros("2.00"), "reversedAt": None},
        {"id": "chb_2", "amount": euros("3.00"), "reversedAt": "2026-03-20T12:00:00+00:00"},
        {"id": "chb_1", "amount": euros("1.50"), "reversedAt": None},
    ]
    notice = told(amountChargedBack=euros("6.50"), _embedded={"chargebacks": chargebacks})
    assert notice.charged_back == Money.of("3.50", "EUR")
    won = [{**chargeback, "reversedAt": "2026-03-20T12:00:00+00:00"} for chargeback in chargebacks]
    assert told(amountChargedBack=euros("6.50"), _embedded={"chargebacks": won}).status is Status.SETTLED


def test_chargeback_without_the_single_ones_counts_as_a_whole():
    whole = payment(amountChargedBack=euros("10.00"))
    del whole["_embedded"]
    provider, _ = scripted((201, whole))
    assert provider.charge(request()).charged_back == Money.of("10.00", "EUR")


def test_refunds_are_told_as_a_sum():
    assert told(amountRefunded=euros("4.00")).refunded == Money.of("4.00", "EUR")
    assert told(amountRefunded=None).refunded is None


@pytest.mark.parametrize("metadata", [None, "text", {"order": 1}, {"key": "no uuid"}, {"key": None}, ["key"]])
def test_payment_somebody_else_made_has_no_key_of_ours(metadata):
    assert told(metadata=metadata).idempotency_key is None


@pytest.mark.parametrize("status", [404, 410])
def test_payment_that_mollie_does_not_know_is_none(status):
    provider, _ = scripted(refusal(status, "No payment exists with token tr_1."))
    assert provider.look_up(reference="tr_1", idempotency_key=None) is None


@pytest.mark.parametrize("reference", ["re_4qqhO89gsT", "cst_1", "pi_1", "", "tr"])
def test_reference_that_is_no_payment_is_not_asked_for(reference):
    provider, adapter = scripted()
    assert provider.look_up(reference=reference, idempotency_key=None) is None
    assert not adapter.asked


def test_payment_is_found_by_its_key_on_any_page_of_the_customers_payments():
    following = "https://api.mollie.com/v2/customers/cst_8wmqcHMN4U/payments?from=tr_2&limit=250"
    provider, adapter = scripted(
        listing("payments", payment(id="tr_1", metadata={"key": str(uuid.uuid4())}), following=following),
        listing("payments", payment(id="tr_2"), payment(id="tr_3", metadata=None)),
        (200, payment(id="tr_2")),
    )
    notice = provider.look_up(reference="", idempotency_key=KEY, method_reference="cst_8wmqcHMN4U/mdt_1")
    assert (notice.reference, notice.status) == ("tr_2", Status.SETTLED)
    assert [one.url.removeprefix("https://api.mollie.com/v2/") for one in adapter.asked] == [
        "customers/cst_8wmqcHMN4U/payments?limit=250",
        "customers/cst_8wmqcHMN4U/payments?from=tr_2&limit=250",
        "payments/tr_2?embed=chargebacks",
    ]


def test_key_that_no_payment_carries_is_none():
    provider, _ = scripted(listing("payments", payment(metadata=None)))
    assert (
        provider.look_up(reference="", idempotency_key=KEY, method_reference="cst_8wmqcHMN4U/mdt_1") is None
    )
    provider, _ = scripted(refusal(410, "The customer is gone"))
    assert provider.look_up(reference="", idempotency_key=KEY, method_reference="cst_8wmqcHMN4U/m") is None


def test_without_a_customer_all_payments_are_looked_through_but_not_without_end(monkeypatch):
    from cms_billing.payments.providers import ProviderDown
    from cms_billing.payments.providers.mollie import charges

    provider, _ = scripted(listing("payments", payment()), (200, payment()))
    assert provider.look_up(reference="", idempotency_key=KEY).reference == "tr_WDqYK6vllg"
    monkeypatch.setattr(charges, "_MOST_LOOKED_THROUGH", 1)
    provider, _ = scripted(listing("payments", payment(metadata=None), payment()))
    with pytest.raises(ProviderDown, match="too many payments"):
        provider.look_up(reference="", idempotency_key=KEY)
