"""Cards and accounts as Stripe keeps them."""

from __future__ import annotations

from datetime import date

import pytest

from cms_billing.testing.vendors import stripe as stand_in
from cms_billing.testing.vendors.behaviours import Behaviour

from .scripted import listed, provider_that_hears


def method(kind: str, **details) -> dict:
    return {"id": "pm_1", "object": "payment_method", "type": kind, "customer": "cus_1", kind: details}


@pytest.mark.parametrize(
    ("told", "kind", "label", "expires_on"),
    [
        (
            method("card", brand="visa", display_brand="visa", last4="4242", exp_month=2, exp_year=2028),
            "card",
            "Visa •••• 4242",
            date(2028, 2, 29),
        ),
        (
            method("card", brand="amex", last4="0005", exp_month=12, exp_year=2029),
            "card",
            "American Express •••• 0005",
            date(2029, 12, 31),
        ),
        (
            method("card", brand="new_brand", last4="1", exp_month=1, exp_year=2030),
            "card",
            "New Brand •••• 1",
            date(2030, 1, 31),
        ),
        (method("paypal", payer_email="anna@example.org"), "paypal", "PayPal anna@example.org", None),
        (method("link", email="anna@example.org"), "other", "Link", None),
    ],
)
def test_method_says_what_it_is(told, kind, label, expires_on):
    provider, _script = provider_that_hears((200, listed(told)))
    (found,) = provider.methods_of(payer_reference="cus_1")
    assert (found.reference, found.kind, found.label, found.expires_on) == ("pm_1", kind, label, expires_on)
    assert found.usable


def test_payer_without_a_reference_has_no_methods():
    provider, script = provider_that_hears((500, {}))
    assert list(provider.methods_of(payer_reference="")) == []
    assert script.requests == []


def test_deleted_customer_has_no_methods(provider):
    assert list(provider.methods_of(payer_reference="cus_unknown")) == []


def test_cancelled_mandate_is_seen_in_the_list(provider):
    payer = stand_in.new_customer()
    card = stand_in.store_method(Behaviour.GOOD_CARD, customer=payer)
    debit = stand_in.store_method(Behaviour.GOOD_ACCOUNT, customer=payer)
    before = {one.reference: one for one in provider.methods_of(payer_reference=payer)}
    assert before[debit].usable
    assert before[debit].mandate_reference.startswith("mandate_")
    stand_in.revoke_method(debit)
    after = {one.reference: one for one in provider.methods_of(payer_reference=payer)}
    assert (after[card].usable, after[debit].usable, after[debit].reason) == (True, False, "mandate inactive")


def test_same_card_has_the_same_mark_however_often_it_is_stored(provider):
    payer = stand_in.new_customer()
    for behaviour in (Behaviour.GOOD_CARD, Behaviour.GOOD_CARD, Behaviour.EMPTY_CARD):
        stand_in.store_method(behaviour, customer=payer)
    marks = [one.fingerprint for one in provider.methods_of(payer_reference=payer)]
    assert len(marks) == 3
    assert len(set(marks)) == 2


def test_more_than_a_page_of_methods_is_listed():
    first = listed(*({**method("link"), "id": f"pm_{n}"} for n in range(2))) | {
        "has_more": True,
        "url": "/v1/payment_methods",
    }
    provider, script = provider_that_hears((200, first), (200, listed({**method("link"), "id": "pm_2"})))
    found = [one.reference for one in provider.methods_of(payer_reference="cus_1")]
    assert found == ["pm_0", "pm_1", "pm_2"]
    assert "starting_after=pm_1" in script.requests[1].url
