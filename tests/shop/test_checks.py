import pytest
from django.core import checks
from django.test import override_settings

from cms_billing.shop import checks as shop_checks
from cms_billing.testing.factories import IssuerFactory

from .shop import partner_of, plan_product


def ids(messages):
    return [message.id for message in messages]


def test_the_test_site_is_set_up_as_the_documentation_says():
    mine = [
        message
        for message in checks.run_checks(tags=["cms_billing"])
        if message.id and message.id.startswith("cms_billing") and message.id[-3:] >= "050"
    ]
    assert mine == []


def test_oscars_own_checkout_is_named(monkeypatch):
    from oscar.apps.checkout.mixins import OrderPlacementMixin

    monkeypatch.setattr(shop_checks, "get_class", lambda *args: OrderPlacementMixin)
    assert ids(shop_checks.checkout_is_ours(None)) == ["cms_billing.E050"]


def test_a_strategy_without_tax_is_named(monkeypatch):
    from oscar.apps.partner.strategy import Selector

    monkeypatch.setattr(shop_checks, "get_class", lambda *args: Selector)
    assert ids(shop_checks.prices_know_tax(None)) == ["cms_billing.E051"]


@pytest.mark.django_db
def test_a_plan_in_stock_and_a_plan_without_price_are_named():
    product = plan_product(partner_of(), issuer=IssuerFactory())
    assert shop_checks.plan_products_can_be_sold(None, databases=["default"]) == []
    product.product_class.track_stock = True
    product.product_class.save()
    product.plan_product.plan.prices.all().delete()
    messages = shop_checks.plan_products_can_be_sold(None, databases=["default"])
    assert ids(messages) == ["cms_billing.E052", "cms_billing.E053"]


def test_data_are_only_looked_at_with_a_database():
    assert shop_checks.plan_products_can_be_sold(None) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"]}, "cms_billing.E054"),
        ({"LOGIN_URL": "no:such-view"}, "cms_billing.E055"),
    ],
)
def test_login_settings_that_lead_nowhere_are_named(changes, expected):
    with override_settings(**changes):
        found = ids(shop_checks.buyers_can_sign_in(None))
    assert found == [expected]


def test_offers_without_tax_are_named():
    with override_settings(OSCAR_OFFERS_INCL_TAX=False):
        assert ids(shop_checks.vouchers_count_with_tax(None)) == ["cms_billing.W057"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"SHIPPED_ORDER_STATUS": "Sent", "CANCELLED_ORDER_STATUS": "Off"}, []),
        ({"SHIPPED_ORDER_STATUS": "Gone"}, ["cms_billing.W063"]),
        ({"SHIPPED_ORDER_STATUS": "sent", "CANCELLED_ORDER_STATUS": "off"}, ["cms_billing.W063"] * 2),
    ],
)
def test_a_status_no_order_can_get_is_named(given, expected):
    pipeline = {"Pending": ("Sent", "Off"), "Sent": (), "Off": ()}
    with override_settings(CMS_BILLING=given, OSCAR_ORDER_STATUS_PIPELINE=pipeline):
        assert ids(shop_checks.order_statuses_exist(None)) == expected
