"""Where the stock history is shown, and to whom."""

from datetime import date

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from oscar.core.loading import get_model

from cms_billing.core import clock
from cms_billing.core.roles import ACCOUNTANTS, AUDITORS
from cms_billing.faktura.services import cancel_document, credit_document
from cms_billing.shop.models import StockMovement
from cms_billing.testing.factories import IssuerFactory, UserFactory

from .orders import MARCH, invoice_of, place, ship, stock_of, units
from .shop import book, germany, partner_of, plan_product

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 20)
INDEX = "billing-stockmovement:index"


@pytest.fixture(autouse=True)
def the_20th_of_march():
    with clock.frozen(MARCH):
        yield


@pytest.fixture
def issuer():
    germany()
    return IssuerFactory(name="Unsere Akademie")


@pytest.fixture
def partner(issuer):
    return partner_of(issuer)


@pytest.fixture
def songs(partner):
    return book(partner, title="Unser Liederbuch")


def person(group, *issuers, staff=False):
    user = UserFactory(is_staff=staff)
    user.groups.add(Group.objects.get(name=group))
    for issuer in issuers:
        issuer.groups.add(*user.groups.all())
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def auditor(issuer):
    return person(AUDITORS.group, issuer)


def take_back(product, *, shipped=True, user=None, quantity=2):
    """One of the ordered units comes back."""
    order = place({product: quantity})
    if shipped:
        ship(order)
    invoice = invoice_of(order)
    return credit_document(
        document_id=invoice.pk, lines=units(invoice, 1), reason="Retoure", today=TODAY, user=user
    )


def text_of(response):
    assert response.status_code == 200, response
    return response.content.decode()


def test_the_list_names_product_change_document_and_order(auditor, songs):
    correction = take_back(songs)
    text = text_of(auditor.get(reverse(INDEX)))
    assert "Unser Liederbuch" in text
    assert "Returned to stock" in text or "returned to stock" in text
    assert "+1" in text
    assert correction.number in text
    assert get_model("order", "Order").objects.get().number in text


def test_the_list_is_searched_and_filtered(auditor, partner, songs):
    other = book(partner, title="Griffe")
    take_back(songs)
    take_back(other, shipped=False)
    released = StockMovement.objects.get(kind="released")
    for query in (f"product={other.pk}", "kind=released", "q=Griffe", f"q={released.sku}"):
        assert listed(auditor, query) == ["Griffe"], query
    assert listed(auditor, "day_from=2026-03-21") == []
    assert listed(auditor, "day_from=2026-03-20&day_to=2026-03-20") == ["Griffe", "Unser Liederbuch"]


def listed(client, query):
    page = BeautifulSoup(text_of(client.get(f"{reverse(INDEX)}?{query}")), "html.parser")
    return [row.select_one("td").text.strip() for row in page.select("table.listing tbody tr")]


def test_a_movement_has_a_page(auditor, songs):
    take_back(songs, user=UserFactory(username="chefin"))
    row = StockMovement.objects.get()
    text = text_of(auditor.get(reverse("billing-stockmovement:inspect", args=[row.pk])))
    assert "Unser Liederbuch" in text
    assert "chefin" in text
    assert row.sku in text


def test_a_neighbours_movements_do_not_exist(auditor, songs):
    theirs = book(partner_of(IssuerFactory(name="Nachbar"), name="Nachbarverlag"), title="Fremdes Buch")
    take_back(theirs)
    row = StockMovement.objects.get()
    assert "Fremdes Buch" not in text_of(auditor.get(reverse(INDEX)))
    assert auditor.get(reverse("billing-stockmovement:inspect", args=[row.pk])).status_code == 404
    filtered = auditor.get(f"{reverse(INDEX)}?product={theirs.pk}")
    assert "Fremdes Buch" not in text_of(filtered)


def test_without_the_permission_there_is_no_stock_history(issuer, songs):
    correction = take_back(songs)
    row = StockMovement.objects.get()
    group = Group.objects.create(name="Only documents")
    group.permissions.add(*Permission.objects.filter(codename__in=["access_admin", "view_document"]))
    client = person("Only documents", issuer)
    for url in (reverse(INDEX), reverse("billing-stockmovement:inspect", args=[row.pk])):
        assert client.get(url).status_code in {302, 403}
    page = text_of(client.get(reverse("billing-document:inspect", args=[correction.pk])))
    assert "Goods taken back" not in page


@pytest.mark.parametrize("view", ["add", "edit", "delete"])
def test_movements_are_only_read(view):
    from django.urls import NoReverseMatch

    with pytest.raises(NoReverseMatch):
        reverse(f"billing-stockmovement:{view}", args=[] if view == "add" else [1])


def test_the_list_asks_the_same_queries_for_many_rows(auditor, songs, django_assert_max_num_queries):
    take_back(songs)
    auditor.get(reverse(INDEX))
    with django_assert_max_num_queries(60) as few:
        auditor.get(reverse(INDEX))
    for _more in range(5):
        take_back(songs, quantity=1)
    with django_assert_max_num_queries(len(few)):
        auditor.get(reverse(INDEX))


def test_correction_and_invoice_show_what_became_of_the_goods(auditor, songs):
    correction = take_back(songs, shipped=False)
    for document in (correction, correction.corrects):
        text = text_of(auditor.get(reverse("billing-document:inspect", args=[document.pk])))
        assert "Goods taken back" in text
        assert "−1 reserved" in text


def test_an_invoice_of_which_nothing_came_back_has_no_such_section(auditor, songs):
    invoice = invoice_of(place({songs: 1}))
    text = text_of(auditor.get(reverse("billing-document:inspect", args=[invoice.pk])))
    assert "Goods taken back" not in text


# -- the form that credits -------------------------------------------------------------------------------------------


@pytest.fixture
def accountant(issuer):
    return person(ACCOUNTANTS.group, issuer)


def credit_form(client, invoice):
    page = text_of(client.get(reverse("billing-correction:credit", args=[invoice.pk])))
    return {field["name"]: field for field in BeautifulSoup(page, "html.parser").select("input[name]")}


def post_credit(client, invoice, **data):
    url = reverse("billing-correction:credit", args=[invoice.pk])
    return client.post(url, {"reason": "Retoure", **data}, follow=True)


def test_the_switch_for_damaged_goods_is_there_for_goods_only_and_on(accountant, partner, songs, issuer):
    invoice = invoice_of(place({songs: 1, plan_product(partner, issuer=issuer): 1}))
    goods, plan = invoice.lines.order_by("description").reverse()
    fields = credit_form(accountant, invoice)
    assert fields[f"line-{goods.pk}-restock"].has_attr("checked")
    assert f"line-{plan.pk}-restock" not in fields


def test_goods_come_back_through_the_form(accountant, songs):
    order = place({songs: 2})
    ship(order)
    invoice = invoice_of(order)
    line = invoice.lines.get().pk
    post_credit(accountant, invoice, **{f"line-{line}-quantity": "1", f"line-{line}-restock": "on"})
    assert stock_of(songs) == (9, 0)
    post_credit(accountant, invoice, **{f"line-{line}-quantity": "1"})
    assert stock_of(songs) == (9, 0)
    assert list(StockMovement.objects.order_by("pk").values_list("kind", flat=True)) == [
        "returned",
        "damaged",
    ]
    assert StockMovement.objects.first().recorded_by.startswith("member")
    again = post_credit(accountant, invoice, **{f"line-{line}-quantity": "1", f"line-{line}-restock": "on"})
    assert "nothing" in text_of(again).lower()
    assert StockMovement.objects.count() == 2


def test_a_whole_order_is_cancelled_through_the_form_with_one_title_damaged(accountant, partner, songs):
    other = book(partner, title="Griffe")
    order = place({songs: 2, other: 1})
    ship(order)
    invoice = invoice_of(order)
    whole = invoice.lines.get(description="Griffe").pk
    url = reverse("billing-document:cancel", args=[invoice.pk])
    accountant.post(url, {"reason": "Widerruf", "then": "void", "restock": [whole]})
    assert (stock_of(songs), stock_of(other)) == ((8, 0), (10, 0))
    kinds = dict(StockMovement.objects.values_list("title", "kind"))
    assert kinds == {"Unser Liederbuch": "damaged", "Griffe": "returned"}


def test_the_order_in_oscars_dashboard_leads_to_the_form(accountant, staff, songs):
    order = place({songs: 1})
    url = reverse("dashboard:order-detail", args=[order.number])
    form = reverse("billing-correction:credit", args=[invoice_of(order).pk])
    assert form not in text_of(staff.get(url))
    chef = UserFactory(is_staff=True, is_superuser=True)
    staff.force_login(chef)
    assert form in text_of(staff.get(url))
    cancel_document(document_id=invoice_of(order).pk, reason="?", today=TODAY, bill_again=False)
    assert form not in text_of(staff.get(url))


# -- Oscar's dashboard -----------------------------------------------------------------------------------------------


@pytest.fixture
def staff(issuer):
    group = Group.objects.get(name=AUDITORS.group)
    group.permissions.add(
        *Permission.objects.filter(content_type__app_label__in=["catalogue", "order", "partner"])
    )
    return person(AUDITORS.group, issuer, staff=True)


def test_the_product_in_oscars_dashboard_has_its_history(staff, songs):
    url = reverse("dashboard:catalogue-product", args=[songs.pk])
    assert "Nothing has been taken back yet." in text_of(staff.get(url))
    correction = take_back(songs)
    text = text_of(staff.get(url))
    assert correction.number in text
    assert "Returned to stock" in text
    assert f"{reverse(INDEX)}?product={songs.pk}" in text


def test_a_new_product_has_no_history_to_show(staff, songs):
    url = reverse("dashboard:catalogue-product-create", args=[songs.product_class.slug])
    assert "Goods taken back" not in text_of(staff.get(url))


def test_a_partners_people_see_what_came_back_into_their_own_stock(songs, partner):
    other = partner_of(name="Großhandel")
    songs.stockrecords.create(
        partner=other, partner_sku="fremd", price="20.00", price_currency="EUR", num_in_stock=3
    )
    take_back(songs)
    texts = []
    for owner in (partner, other):
        user = UserFactory()
        user.user_permissions.add(Permission.objects.get(codename="dashboard_access"))
        owner.users.add(user)
        client = Client()
        client.force_login(user)
        texts.append(text_of(client.get(reverse("dashboard:catalogue-product", args=[songs.pk]))))
    assert ["RK-" in text for text in texts] == [True, False]
    assert reverse(INDEX) not in texts[0]


def test_the_order_in_oscars_dashboard_shows_all_its_documents(staff, songs):
    order = place({songs: 2})
    invoice = invoice_of(order)
    credit_document(document_id=invoice.pk, lines=units(invoice, 1), reason="Retoure", today=TODAY)
    cancel_document(document_id=invoice.pk, reason="Rest", today=TODAY, bill_again=False)
    text = text_of(staff.get(reverse("dashboard:order-detail", args=[order.number])))
    for document in (invoice, *invoice.corrections.all()):
        assert document.number in text
    assert "reservation released" in text
