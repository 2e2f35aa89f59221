from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cms_billing.core import clock
from cms_billing.memberships.models import PlanPrice
from cms_billing.shop.models import PartnerIssuer
from cms_billing.shop.strategy import Selector
from cms_billing.testing.factories import IssuerFactory

from .shop import book, euro, partner_of, plan_product

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def the_14th_of_march():
    with clock.frozen(datetime(2026, 3, 14, 12, tzinfo=UTC)):
        yield


def price_of(product):
    return Selector().strategy().fetch_for_product(product).price


def test_goods_cost_what_the_stock_record_says_with_the_tax_of_their_class():
    price = price_of(book(partner_of(IssuerFactory()), price="24.80"))
    assert (price.incl_tax, price.tax) == (Decimal("24.80"), Decimal("1.62"))


def test_a_plan_costs_what_the_plan_says_today():
    product = plan_product(partner_of(), issuer=IssuerFactory(), price=euro("9.90"))
    PlanPrice.objects.create(
        plan=product.plan_product.plan, valid_from=date(2026, 4, 1), amount_minor=1190, currency="EUR"
    )
    assert price_of(product).incl_tax == Decimal("9.90")
    with clock.frozen(datetime(2026, 4, 1, 12, tzinfo=UTC)):
        assert price_of(product).incl_tax == Decimal("11.90")


def test_a_small_business_shows_no_tax():
    issuer = IssuerFactory(small_business=True)
    assert price_of(plan_product(partner_of(), issuer=issuer)).tax == 0


@pytest.mark.parametrize("lack", ["price", "issuer", "sale"])
def test_what_could_not_be_billed_cannot_be_bought(lack):
    product = plan_product(partner_of(), issuer=IssuerFactory())
    plan = product.plan_product.plan
    if lack == "price":
        plan.prices.all().delete()
    elif lack == "sale":
        plan.is_active = False
        plan.save()
    else:
        IssuerFactory()
        PartnerIssuer.objects.all().delete()
        product = book(partner_of(name="Niemand"))
    info = Selector().strategy().fetch_for_product(product)
    assert not info.availability.is_available_to_buy


def test_a_page_of_products_costs_as_many_queries_for_the_prices_as_one_product():
    partner = partner_of(IssuerFactory())
    products = [book(partner, title=str(n)) for n in range(6)]

    def queries(some):
        strategy = Selector().strategy()
        for product in some:
            product.stockrecords.all()
        with CaptureQueriesContext(connection) as captured:
            for product in some:
                strategy.pricing_policy(product, product.stockrecords.first())
        return len(captured) - len(some)

    assert queries(products) == queries(products[:1])
