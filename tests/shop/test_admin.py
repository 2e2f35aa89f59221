import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from oscar.core.loading import get_model

from cms_billing.memberships.offers import offer_urls, offers_changed
from cms_billing.shop.models import PlanProduct
from cms_billing.testing.factories import IssuerFactory, PlanFactory

from .shop import Visitor, germany, partner_of, plan_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    user = get_user_model().objects.create_superuser("chef", "chef@example.org", "secret")
    client.force_login(user)
    return client


@pytest.mark.parametrize("name", ["billing-planproduct", "billing-partnerissuer", "billing-productclasstax"])
def test_lists_and_forms_open_and_can_be_searched(admin, name):
    plan_product(partner_of(IssuerFactory()), issuer=IssuerFactory())
    for url in (reverse(f"{name}:index"), reverse(f"{name}:index") + "?q=akademie", reverse(f"{name}:add")):
        assert admin.get(url).status_code == 200


def test_a_product_is_made_to_sell_a_plan(admin):
    product = plan_product(partner_of(), issuer=IssuerFactory())
    PlanProduct.objects.all().delete()
    plan = PlanFactory()
    response = admin.post(reverse("billing-planproduct:add"), {"product": product.pk, "plan": plan.pk})
    assert response.status_code == 302
    assert PlanProduct.objects.get().plan == plan


def test_the_dashboard_shows_what_an_order_became(admin):
    germany()
    buyer = Visitor(admin, get_user_model().objects.get())
    buyer.order(plan_product(partner_of(), issuer=IssuerFactory()))
    order = get_model("order", "Order").objects.get()
    text = admin.get(reverse("dashboard:order-detail", args=[order.number])).content.decode()
    assert "RE-" in text
    assert f"{order.number}-1" in text


def test_a_teasers_link_leads_to_the_product(client):
    product = plan_product(partner_of(), issuer=IssuerFactory())
    url = reverse("cms_billing:plan_offer", args=[product.plan_product.plan_id])
    assert client.get(url).url == product.get_absolute_url()
    product.is_public = False
    product.save()
    assert client.get(url).status_code == 404


def test_whoever_shows_offers_is_told_when_a_product_comes_or_goes():
    told = []

    def hear(sender, **kwargs):
        told.append(sender.__name__)

    offers_changed.connect(hear)
    try:
        product = plan_product(partner_of(), issuer=IssuerFactory())
        assert offer_urls([product.plan_product.plan_id])
        product.plan_product.delete()
    finally:
        offers_changed.disconnect(hear)
    assert told == ["Product", "PlanProduct", "PlanProduct"]
    assert not offer_urls([product.plan_product.plan_id])
