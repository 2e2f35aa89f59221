"""Checkout: what the page is asked for, and what it leaves behind."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from cms_billing.core import clock as site_clock
from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.payments.providers import (
    OutcomeUnknown,
    PageRequest,
    PageStatus,
    PayerFacts,
    ProviderDown,
    Status,
)
from cms_billing.testing.models import VendorFault, VendorObject
from cms_billing.testing.vendors import stripe as stand_in
from cms_billing.testing.vendors.behaviours import Behaviour

from .scripted import provider_that_hears

EURO = Money(1000, "EUR")


def page_request(**facts) -> PageRequest:
    known = {
        "idempotency_key": uuid.uuid4(),
        "amount": EURO,
        "description": "Membership",
        "payer": PayerFacts(key=f"m-{uuid.uuid4()}", email="anna@example.org", name="Anna", language="de"),
        "return_url": "https://shop.example/back/",
        "cancel_url": "https://shop.example/back/?cancelled=1",
        "webhook_url": "https://shop.example/hook/",
        "stores_method": True,
    }
    return PageRequest(**{**known, **facts})


def looked_up(provider, request, page):
    return provider.look_up_page(
        reference=page.reference,
        idempotency_key=request.idempotency_key,
        payer_reference=page.payer_reference,
    )


def test_first_payment_stores_the_method_with_the_payer(provider, checked_calls):
    request = page_request()
    provider.open_page(request)
    sent = dict(checked_calls)["SessionService.create"]
    assert sent["payment_intent_data"]["setup_future_usage"] == "off_session"
    assert sent["client_reference_id"] == str(request.idempotency_key)
    assert (sent["locale"], sent["mode"], sent["ui_mode"]) == ("de", "payment", "hosted_page")
    customer = dict(checked_calls)["CustomerService.create"]
    assert customer["metadata"] == {"cms_billing_payer": request.payer.key}


def test_payment_that_stores_nothing_asks_for_nothing_more(provider, checked_calls):
    provider.open_page(page_request(stores_method=False))
    assert "setup_future_usage" not in dict(checked_calls)["SessionService.create"]["payment_intent_data"]


def test_only_the_kinds_asked_for_are_offered(provider):
    page = provider.open_page(page_request(kinds=("sepa_debit",)))
    offered = stand_in.hosted_page(page.reference).behaviours
    assert {behaviour.is_card for behaviour in offered} == {False}


def test_known_payer_is_not_made_again(provider):
    first = provider.open_page(page_request())
    payer = PayerFacts(key="m-1", reference=first.payer_reference)
    assert provider.open_page(page_request(payer=payer)).payer_reference == first.payer_reference


def test_payer_deleted_at_stripe_is_made_anew(provider):
    request = page_request()
    known = replace(request.payer, reference="cus_deleted")
    page = provider.open_page(replace(request, payer=known))
    assert page.payer_reference.startswith("cus_")
    assert page.payer_reference != "cus_deleted"


def test_payer_whose_answer_was_lost_stays_one_customer(provider):
    request = page_request()
    VendorFault.objects.create(vendor="stripe", kind="timeout-after", path="/v1/customers")
    with pytest.raises(OutcomeUnknown):
        provider.open_page(request)
    provider.open_page(request)
    assert VendorObject.objects.filter(kind="customer").count() == 1


def test_payer_whose_address_changed_meanwhile_gets_a_page_all_the_same(provider):
    request = page_request()
    provider.open_page(request)
    moved = replace(request.payer, email="new@example.org")
    page = provider.open_page(replace(request, payer=moved, idempotency_key=uuid.uuid4()))
    assert page.url


def test_lost_page_is_found_by_key_and_payer(provider):
    request = page_request()
    page = provider.open_page(request)
    found = provider.look_up_page(
        reference="", idempotency_key=request.idempotency_key, payer_reference=page.payer_reference
    )
    assert (found.reference, found.idempotency_key) == (page.reference, request.idempotency_key)
    nobody = provider.look_up_page(
        reference="", idempotency_key=request.idempotency_key, payer_reference="m-1"
    )
    assert nobody is None


@pytest.mark.parametrize("kind", ["ideal", "bancontact"])
def test_bank_payment_leaves_a_sepa_mandate_that_is_charged_later(provider, kind):
    request = page_request()
    page = provider.open_page(request)
    stand_in.pay_page(page.reference, Behaviour.GOOD_CARD, kind=kind)
    notice = looked_up(provider, request, page)
    assert notice.payment.status is Status.SETTLED
    assert (notice.method.kind, notice.method.label) == ("sepa_debit", "SEPA •••• 3000")
    assert notice.method.mandate_reference.startswith("mandate_")
    assert [one.reference for one in provider.methods_of(payer_reference=page.payer_reference)] == [
        notice.method.reference
    ]


def test_refused_card_leaves_the_page_open_for_another(provider):
    request = page_request()
    page = provider.open_page(request)
    assert stand_in.pay_page(page.reference, Behaviour.REFUSED_CARD) == page.url
    notice = looked_up(provider, request, page)
    assert (notice.status, notice.payment, notice.method) == (PageStatus.OPEN, None, None)
    assert stand_in.pay_page(page.reference, Behaviour.GOOD_CARD) == request.return_url
    assert looked_up(provider, request, page).payment.status is Status.SETTLED
    assert VendorObject.objects.filter(kind="payment_intent").count() == 1


def test_direct_debit_returned_days_later_has_failed(provider, clock):
    request = page_request()
    page = provider.open_page(request)
    stand_in.pay_page(page.reference, Behaviour.EMPTY_ACCOUNT)
    clock.forward(days=5)
    notice = looked_up(provider, request, page)
    assert (notice.status, notice.payment.status) == (PageStatus.COMPLETED, Status.FAILED)
    assert notice.payment.code == "insufficient_funds"


def test_mandate_of_a_page_that_takes_no_money(provider, checked_calls):
    request = page_request(amount=Money.zero("EUR"))
    page = provider.open_page(request)
    assert dict(checked_calls)["SessionService.create"]["currency"] == "eur"
    stand_in.pay_page(page.reference, Behaviour.GOOD_ACCOUNT)
    notice = looked_up(provider, request, page)
    assert notice.payment is None
    assert notice.method.mandate_reference


@pytest.mark.parametrize(
    ("lasts", "sent"),
    [(timedelta(minutes=10), False), (timedelta(hours=2), True), (timedelta(days=3), False)],
)
def test_page_ends_when_asked_where_stripe_can(provider, checked_calls, lasts, sent):
    until = site_clock.now() + lasts
    page = provider.open_page(page_request(expires_at=until))
    assert ("expires_at" in dict(checked_calls)["SessionService.create"]) is sent
    assert not sent or page.expires_at == until


def test_page_that_cannot_be_closed_for_the_bad_line_is_looked_at(provider):
    page = provider.open_page(page_request())
    VendorFault.objects.create(
        vendor="stripe", kind="timeout-after", path=f"/v1/checkout/sessions/{page.reference}/expire"
    )
    assert provider.close_page(reference=page.reference) is True


def test_unknown_page_is_nothing(provider):
    assert provider.close_page(reference="cs_test_unknown") is False
    found = provider.look_up_page(reference="cs_test_unknown", idempotency_key=uuid.uuid4())
    assert found is None


def test_kind_that_stripe_does_not_know_is_said():
    told = {"error": {"type": "invalid_request_error", "message": "Invalid allowed_payment_method_types[0]"}}
    provider, _script = provider_that_hears((400, told))
    payer = PayerFacts(key="m-1", reference="cus_1")
    with pytest.raises(PermanentFailure, match=r"Invalid allowed_payment_method_types\[0\]"):
        provider.open_page(page_request(payer=payer))


def test_unknown_status_of_a_page_is_named():
    session = {"id": "cs_1", "object": "checkout.session", "status": "sleeping"}
    provider, _script = provider_that_hears((200, session))
    with pytest.raises(ProviderDown, match="sleeping"):
        provider.look_up_page(reference="cs_1", idempotency_key=uuid.uuid4())
