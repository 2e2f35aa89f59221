import pytest
from oscar.core.loading import get_class, get_model

from cms_billing.faktura.models import Issuer
from sandbox.site.demo.billing import STUDIO

Selector = get_class("partner.strategy", "Selector")

pytestmark = pytest.mark.usefixtures("demo")


def product(sku: str):
    return get_model("catalogue", "Product").objects.get(upc=sku)


def test_the_catalogue_shows_everything_the_academy_sells(client):
    page = client.get("/shop/catalogue/").content.decode()

    for title in ("Mitgliedschaft monatlich", "Mitgliedschaft jährlich", "Das Liederbuch", "in Raten"):
        assert title in page


def test_a_category_shows_only_its_own(client):
    category = product("BUCH-LIEDER").categories.get()

    page = client.get(category.get_absolute_url()).content.decode()

    assert "Das Liederbuch" in page
    assert "Mitgliedschaft monatlich" not in page


def test_shop_search_finds_by_title(client):
    page = client.get("/shop/search/", {"q": "Liederbuch"}).content.decode()

    assert "Das Liederbuch" in page
    assert "Mitgliedschaft monatlich" not in page


def test_the_songbook_is_stocked_and_shipped_and_the_membership_is_neither():
    book, membership = product("BUCH-LIEDER"), product("MITGLIED-MONAT")

    assert book.stockrecords.get().num_in_stock == 40
    assert book.product_class.requires_shipping
    assert not membership.product_class.track_stock
    assert not membership.product_class.requires_shipping


def test_a_product_in_the_basket_is_counted_in_the_header(client):
    book = product("BUCH-LIEDER")
    client.post(f"/shop/basket/add/{book.pk}/", {"quantity": 2})

    assert '<span class="count">2' in client.get("/").content.decode()


def test_login_returns_to_the_wanted_page(client):
    wanted = "/magazin/zehn-minuten-am-tag/"
    answer = client.post(
        f"/shop/accounts/login/?next={wanted}",
        {
            "login-username": "mitglied@saitenweg.example",
            "login-password": "saitenweg",
            "login-redirect_url": wanted,
            "login_submit": "Log In",
        },
    )

    assert answer.status_code == 302
    assert answer["Location"] == wanted


def test_the_account_page_of_a_stranger_asks_for_the_login_and_names_the_way_back(client):
    answer = client.get("/shop/accounts/profile/")

    assert answer["Location"] == "/shop/accounts/login/?next=/shop/accounts/profile/"


@pytest.mark.parametrize("address", ["profile", "orders", "addresses", "emails", "change-password"])
def test_account_page_answers(client, address):
    client.force_login(get_user("mitglied"))

    assert client.get(f"/shop/accounts/{address}/").status_code == 200


def test_the_editor_may_open_the_administration_and_a_member_may_not(client):
    client.force_login(get_user("redaktion"))
    assert client.get("/cms/").status_code == 200

    client.force_login(get_user("mitglied"))
    assert client.get("/cms/").status_code == 302


def test_the_seller_opens_the_shop_dashboard_and_the_billing_of_her_own_issuer(client):
    seller = get_user("verkauf")
    client.force_login(seller)

    assert client.get("/shop/dashboard/catalogue/").status_code == 200
    assert client.get("/cms/").status_code == 200
    assert [issuer.name for issuer in Issuer.objects.visible_to(seller)] == [STUDIO]


def test_the_accountant_sees_every_issuer_but_edits_no_page(client):
    accountant = get_user("buchhaltung")
    client.force_login(accountant)

    assert client.get("/cms/").status_code == 200
    assert Issuer.objects.visible_to(accountant).count() == 2
    assert not accountant.has_perm("wagtailcore.change_page")


def test_the_songbook_carries_the_reduced_rate_and_the_membership_the_full_one(client):
    for sku, tax in (("BUCH-LIEDER", "1.62"), ("MITGLIED-MONAT", "1.58")):
        price = Selector().strategy().fetch_for_product(product(sku)).price
        assert str(price.tax) == tax


def test_a_course_in_instalments_costs_the_first_of_six_at_the_checkout():
    price = Selector().strategy().fetch_for_product(product("KURS-SONGWRITING-RATEN")).price

    assert price.incl_tax == 42


def get_user(username: str):
    from django.contrib.auth import get_user_model

    return get_user_model().objects.get(username=username)
