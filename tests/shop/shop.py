"""A small shop for the tests: goods, a membership and a course, and a visitor who goes through the checkout."""

from __future__ import annotations

from decimal import Decimal

from bs4 import BeautifulSoup
from django.urls import reverse
from oscar.core.loading import get_model

from cms_billing.core.money import Money
from cms_billing.shop.models import PartnerIssuer, PlanProduct, ProductClassTax
from cms_billing.testing.factories import IssuerFactory, PlanFactory

Country = get_model("address", "Country")
Partner = get_model("partner", "Partner")
Product = get_model("catalogue", "Product")
ProductClass = get_model("catalogue", "ProductClass")

ADDRESS = {
    "first_name": "Anna",
    "last_name": "Muster",
    "line1": "Hauptstraße 1",
    "line2": "",
    "postcode": "10115",
    "line4": "Berlin",
    "country": "DE",
}


def germany():
    return Country.objects.get_or_create(
        iso_3166_1_a2="DE",
        defaults={"printable_name": "Germany", "name": "Germany", "is_shipping_country": True},
    )[0]


def partner_of(issuer=None, *, name="Akademie"):
    partner = Partner.objects.create(name=name)
    if issuer:
        PartnerIssuer.objects.create(partner=partner, issuer=issuer)
    return partner


def book(partner, *, price="24.80", tax_code="reduced", stock=10, title="Liederbuch"):
    product_class, created = ProductClass.objects.get_or_create(
        name="Buch", defaults={"requires_shipping": True, "track_stock": True}
    )
    if created:
        ProductClassTax.objects.create(product_class=product_class, tax_code=tax_code)
    product = Product.objects.create(structure="standalone", title=title, product_class=product_class)
    product.stockrecords.create(
        partner=partner,
        partner_sku=f"sku-{product.pk}",
        price=Decimal(price),
        price_currency="EUR",
        num_in_stock=stock,
    )
    return product


def plan_product(partner, plan=None, *, issuer=None, **plan_fields):
    plan = plan or PlanFactory(issuer=issuer or IssuerFactory(), **plan_fields)
    product_class, _created = ProductClass.objects.get_or_create(
        name="Mitgliedschaft", defaults={"requires_shipping": False, "track_stock": False}
    )
    product = Product.objects.create(structure="standalone", title=plan.name, product_class=product_class)
    product.stockrecords.create(partner=partner, partner_sku=f"sku-{product.pk}", price_currency="EUR")
    PlanProduct.objects.create(product=product, plan=plan)
    return product


def euro(amount: str) -> Money:
    return Money.of(amount, "EUR")


class Visitor:
    """Goes through the shop as a browser does, page by page."""

    def __init__(self, client, user=None):
        self.client, self.user = client, user
        if user:
            client.force_login(user)

    def put_in_basket(self, product, quantity=1):
        response = self.client.post(
            reverse("basket:add", args=[product.pk]), {"quantity": quantity}, follow=True
        )
        assert response.status_code == 200
        return response

    def give_email(self, email="gast@example.org"):
        return self.client.post(reverse("checkout:index"), {"username": email, "options": "anonymous"})

    def give_shipping_address(self):
        return self.client.post(reverse("checkout:shipping-address"), ADDRESS)

    def choose_payment(self, *, billing="new", method="bank_transfer", **changes):
        data = {"method": method, "billing": billing}
        data |= {f"new-{key}": value for key, value in {**ADDRESS, **changes}.items()}
        return self.client.post(reverse("checkout:payment-method"), data)

    def go_to_preview(self, *, shipping=False, **payment):
        if self.user is None:
            self.give_email()
        if shipping:
            self.give_shipping_address()
        self.client.get(reverse("checkout:shipping-method"))
        response = self.choose_payment(**payment)
        assert response.status_code == 302, response.content.decode()
        response = self.client.get(response.url)
        assert response.status_code == 200, response.headers
        return response

    def press_the_button(self, preview, **changes):
        """What the browser sends from this preview page, every box ticked."""
        page = BeautifulSoup(preview.content, "html.parser")
        fields = page.select("#place_order_form input")
        data = {field["name"]: field.get("value", "on") for field in fields if field.get("name")}
        data = {key: value for key, value in {**data, **changes}.items() if value is not None}
        return self.client.post(reverse("checkout:preview"), data)

    def order(self, *products, shipping=False, **payment):
        for product in products:
            self.put_in_basket(product)
        response = self.press_the_button(self.go_to_preview(shipping=shipping, **payment))
        assert response.status_code == 302, response.content.decode()
        return response
