"""Pages: what is asked for, and what is read when the payer comes back."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from cms_billing.core import clock
from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.payments.providers import PageRequest, PageStatus, PayerFacts, Status
from cms_billing.testing.models import VendorObject
from cms_billing.testing.vendors import mollie as stand_in
from cms_billing.testing.vendors.behaviours import Behaviour

from .conftest import NOON, listing, payment, refusal, scripted

KEY = uuid.UUID("00000000-0000-4000-8000-000000000001")
OPENED = payment(
    status="open", _links={"checkout": {"href": "https://www.mollie.com/checkout/x", "type": "text/html"}}
)


def request(**changes) -> PageRequest:
    facts = {
        "idempotency_key": KEY,
        "amount": Money.of("10.00", "EUR"),
        "description": "Order 1",
        "payer": PayerFacts(key="m-1", email="a@example.com", name="A Member", language="de", country="AT"),
        "return_url": "https://shop.example.com/back/",
        "cancel_url": "https://shop.example.com/back/?cancelled=1",
        "webhook_url": "https://shop.example.com/billing/webhooks/mollie/main/",
        "stores_method": True,
    }
    return PageRequest(**{**facts, **changes})


def methods(*names: str):
    return listing("methods", *({"resource": "method", "id": name} for name in names))


def test_first_page_makes_a_customer_and_a_first_payment():
    provider, adapter = scripted((201, {"resource": "customer", "id": "cst_new"}), (201, OPENED))
    page = provider.open_page(request())
    assert adapter.bodies[0] == {
        "metadata": {"key": "m-1"},
        "name": "A Member",
        "email": "a@example.com",
        "locale": "de_AT",
    }
    assert adapter.bodies[1] == {
        "amount": {"currency": "EUR", "value": "10.00"},
        "description": "Order 1",
        "redirectUrl": "https://shop.example.com/back/",
        "cancelUrl": "https://shop.example.com/back/?cancelled=1",
        "webhookUrl": "https://shop.example.com/billing/webhooks/mollie/main/",
        "sequenceType": "first",
        "metadata": {"key": str(KEY)},
        "customerId": "cst_new",
        "locale": "de_AT",
    }
    assert adapter.asked[1].headers["Idempotency-Key"] == str(KEY)
    assert adapter.asked[0].headers["Idempotency-Key"] != str(KEY)
    assert (page.reference, page.url) == ("tr_WDqYK6vllg", "https://www.mollie.com/checkout/x")
    assert page.payer_reference == "cst_8wmqcHMN4U"


def test_known_payer_and_no_storing_need_no_customer():
    provider, adapter = scripted((201, OPENED), (201, OPENED))
    provider.open_page(request(payer=PayerFacts(key="m-1", reference="cst_known")))
    provider.open_page(request(stores_method=False))
    assert (adapter.bodies[0]["customerId"], adapter.bodies[0]["sequenceType"]) == ("cst_known", "first")
    assert "customerId" not in adapter.bodies[1]
    assert adapter.bodies[1]["sequenceType"] == "oneoff"


def test_customer_deleted_at_mollie_is_made_anew():
    provider, adapter = scripted(
        refusal(410, "The customer is no longer available"), (201, {"id": "cst_2"}), (201, OPENED)
    )
    provider.open_page(request(payer=PayerFacts(key="m-1", reference="cst_1")))
    assert [body.get("customerId") for body in adapter.bodies] == ["cst_1", None, "cst_2"]
    assert len({one.headers["Idempotency-Key"] for one in adapter.asked}) == 3


@pytest.mark.parametrize(
    ("language", "country", "locale"),
    [
        ("de", "DE", "de_DE"),
        ("de", "FR", "de_DE"),
        ("en", "DE", "en_GB"),
        ("nl", "BE", "nl_BE"),
        ("it", "DE", "it_IT"),
    ],
)
def test_page_speaks_the_payers_language(language, country, locale):
    provider, adapter = scripted((201, OPENED))
    payer = PayerFacts(key="m-1", reference="cst_1", language=language, country=country)
    provider.open_page(request(payer=payer))
    assert adapter.bodies[0]["locale"] == locale


def test_language_that_mollie_does_not_speak_is_left_to_it():
    provider, adapter = scripted((201, OPENED))
    provider.open_page(request(payer=PayerFacts(key="m-1", reference="cst_1", language="tr")))
    assert "locale" not in adapter.bodies[0]


def test_only_wanted_methods_that_are_activated_are_offered():
    known = PayerFacts(key="m-1", reference="cst_1")
    provider, adapter = scripted(methods("creditcard", "ideal", "paypal"), (201, OPENED))
    provider.open_page(request(payer=known, kinds=["card", "sepa_debit"]))
    assert adapter.bodies[0]["method"] == ["creditcard", "ideal"]
    assert adapter.asked[0].url == (
        "https://api.mollie.com/v2/methods?sequenceType=first&amount%5Bcurrency%5D=EUR&amount%5Bvalue%5D=10.00"
    )
    provider, _ = scripted(methods("paypal"))
    with pytest.raises(PermanentFailure, match="activated"):
        provider.open_page(request(payer=known, kinds=["card"]))


def test_zero_amount_offers_only_what_is_stored_without_money():
    known = PayerFacts(key="m-1", reference="cst_1")
    provider, adapter = scripted(methods("creditcard", "ideal", "paypal"), (201, OPENED))
    provider.open_page(request(payer=known, amount=Money.zero("EUR")))
    assert adapter.bodies[0]["amount"] == {"currency": "EUR", "value": "0.00"}
    assert adapter.bodies[0]["method"] == ["creditcard", "paypal"]
    with pytest.raises(PermanentFailure, match="first payment"):
        provider.open_page(request(payer=known, amount=Money.zero("EUR"), kinds=["ideal"]))


@pytest.mark.parametrize(
    ("status", "visit", "money"),
    [
        ("open", PageStatus.OPEN, None),
        ("pending", PageStatus.COMPLETED, Status.PENDING),
        ("authorized", PageStatus.COMPLETED, Status.PENDING),
        ("canceled", PageStatus.CANCELLED, None),
        ("expired", PageStatus.EXPIRED, None),
        ("failed", PageStatus.FAILED, Status.FAILED),
        ("paid", PageStatus.COMPLETED, Status.SETTLED),
    ],
)
def test_visit_and_money_are_two_things(status, visit, money):
    provider, _ = scripted((200, payment(status=status, sequenceType="oneoff")))
    notice = provider.look_up_page(reference="tr_WDqYK6vllg", idempotency_key=KEY)
    assert (notice.status, notice.payment.status if notice.payment else None) == (visit, money)
    assert notice.idempotency_key == KEY


def test_page_whose_answer_was_lost_is_found_by_its_key():
    provider, adapter = scripted(listing("payments", payment()), (200, payment(sequenceType="oneoff")))
    notice = provider.look_up_page(reference="", idempotency_key=KEY, payer_reference="cst_8wmqcHMN4U")
    assert notice.reference == "tr_WDqYK6vllg"
    assert "customers/cst_8wmqcHMN4U/payments" in adapter.asked[0].url


def test_unknown_page_is_none():
    provider, _ = scripted(refusal(404, "No payment exists"))
    assert provider.look_up_page(reference="tr_1", idempotency_key=KEY) is None


# -- the mandate a first payment leaves --------------------------------------------------------------------------------

MANDATE = {
    "id": "mdt_h3gAaD5zP",
    "status": "valid",
    "method": "creditcard",
    "createdAt": "2026-03-10T12:00:00.0Z",
    "details": {
        "cardNumber": "4242",
        "cardLabel": "Visa",
        "cardExpiryDate": "2028-02-01",
        "cardFingerprint": "f1",
    },
}


def method_after(*mandates, **changes):
    provider, _ = scripted(
        (200, payment(**{"sequenceType": "first", **changes})), listing("mandates", *mandates)
    )
    return provider.look_up_page(reference="tr_WDqYK6vllg", idempotency_key=KEY).method


def test_valid_mandate_is_the_stored_method():
    method = method_after({**MANDATE, "id": "mdt_other"}, MANDATE)
    assert method.reference == "cst_8wmqcHMN4U/mdt_h3gAaD5zP"
    assert (method.kind, method.label, method.fingerprint) == ("card", "Visa •••• 4242", "f1")
    assert (method.expires_on, method.usable) == (date(2028, 2, 29), True)


@pytest.mark.parametrize("status", ["pending", "invalid"])
def test_mandate_that_is_not_valid_is_none_yet(status):
    assert method_after({**MANDATE, "status": status}) is None


def test_payment_that_names_no_mandate_left_the_newest_one_made_since():
    older = {**MANDATE, "id": "mdt_older", "createdAt": "2026-03-01T12:00:00+00:00"}
    newer = {**MANDATE, "id": "mdt_newer", "createdAt": "2026-03-10T12:05:00+00:00"}
    assert method_after(older, MANDATE, newer, mandateId=None).reference.endswith("mdt_newer")
    assert method_after(older, mandateId=None) is None


def test_payment_that_is_not_paid_or_not_first_left_none():
    provider, adapter = scripted((200, payment(sequenceType="first", status="failed")))
    assert provider.look_up_page(reference="tr_WDqYK6vllg", idempotency_key=KEY).method is None
    assert len(adapter.asked) == 1


def test_late_mandate_comes_with_a_later_look_up(mollie):
    page = mollie.open_page(request())
    stand_in.hosted_page(page.reference).pay(Behaviour.GOOD_ACCOUNT)
    first = mollie.look_up_page(reference=page.reference, idempotency_key=KEY)
    assert (first.payment.status, first.method) == (Status.PENDING, None)
    with clock.frozen(NOON + timedelta(days=5)):
        stand_in.let_time_pass()
        later = mollie.look_up_page(reference=page.reference, idempotency_key=KEY)
    assert (later.payment.status, later.method.kind) == (Status.SETTLED, "sepa_debit")
    assert later.method.label == "DE •••• 3000"
    assert later.method.mandate_reference.startswith("SD-")


def test_cancelled_first_payment_leaves_a_pending_mandate_that_is_never_used(mollie):
    page = mollie.open_page(request())
    stand_in.hosted_page(page.reference).cancel()
    assert mollie.look_up_page(reference=page.reference, idempotency_key=KEY).method is None
    assert [one.usable for one in mollie.methods_of(payer_reference=page.payer_reference)] == [False]


# -- closing -----------------------------------------------------------------------------------------------------------


def test_page_bound_to_one_method_cannot_be_closed(mollie):
    page = mollie.open_page(request(kinds=["ideal"]))
    assert VendorObject.objects.get(object_id=page.reference).data["isCancelable"] is False
    assert mollie.close_page(reference=page.reference) is False
    free = mollie.open_page(request(idempotency_key=uuid.uuid4()))
    assert mollie.close_page(reference=free.reference) is True
    assert mollie.close_page(reference=free.reference) is True


def test_page_begun_while_we_close_it_is_not_closed():
    provider, _ = scripted(
        (200, payment(status="open", isCancelable=True)), refusal(422, "The payment cannot be canceled")
    )
    assert provider.close_page(reference="tr_WDqYK6vllg") is False


def test_page_that_mollie_does_not_know_takes_no_money():
    provider, _ = scripted(refusal(404, "No payment exists"))
    assert provider.close_page(reference="tr_1") is True


def test_moment_of_expiry_is_told(mollie):
    page = mollie.open_page(request())
    assert page.expires_at == datetime(2026, 3, 11, 12, 0, tzinfo=UTC)
