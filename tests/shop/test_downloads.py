"""Files of products: for buyers whose order is paid, for members with a plan, and for nobody else."""

from datetime import UTC, date, datetime

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from oscar.core.loading import get_model

from cms_billing.core import clock
from cms_billing.core.private_files import private_storage
from cms_billing.faktura.services import cancel_document, credit_document
from cms_billing.payments.services import charge_back, record_payment
from cms_billing.shop.download_rules import Answer, InvoicedLine, Purchase, best, judge
from cms_billing.shop.downloads import download_url, downloads_of
from cms_billing.shop.models import ProductDownload
from cms_billing.testing.factories import IssuerFactory, PlanFactory, UserFactory
from tests.paywall.conftest import in_dunning, member

from .orders import invoice_of, place, units
from .shop import book, germany, partner_of, plan_product

MARCH = datetime(2026, 3, 31, 12, tzinfo=UTC)
TODAY = date(2026, 3, 31)
SHEETS = b"All the sheet music. " * 50

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def march_31st():
    with clock.frozen(MARCH):
        yield


@pytest.fixture
def issuer(db):
    germany()
    return IssuerFactory(payment_days=14)


@pytest.fixture
def songs(issuer):
    return book(partner_of(issuer))


def attach(product, *, name="sheets.pdf", **fields):
    return ProductDownload.objects.create(
        product=product, title="Sheet music", file=ContentFile(SHEETS, name=name), **fields
    )


def client_of(user):
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def pay(invoice):
    return record_payment(
        customer_id=invoice.customer_id,
        amount=invoice.gross,
        received_on=TODAY,
        way="transfer",
        today=TODAY,
        documents=[invoice],
    )


def sentences(user):
    return [(row.granted, row.sentence) for row in downloads_of(user, today=TODAY)]


def test_buyer_of_a_paid_order_finds_and_gets_the_file(songs):
    download, user = attach(songs), UserFactory()
    order = place({songs: 1}, user=user, now=MARCH)
    assert sentences(user) == [(False, f"Waits for the payment of order {order.number}.")]
    client = client_of(user)
    page = client.get(reverse("cms_billing:account_downloads"))
    assert "Sheet music" in page.content.decode()
    assert "/billing/downloads/" not in page.content.decode()
    assert client.get(download_url(download, user)).status_code == 403
    pay(invoice_of(order))
    assert sentences(user) == [(True, f"Bought with order {order.number}.")]
    page = client.get(reverse("cms_billing:account_downloads"))
    assert "no-store" in page["Cache-Control"]
    from bs4 import BeautifulSoup

    link = BeautifulSoup(page.content, "html.parser").select_one(".billing-downloads a")["href"]
    response = client.get(link)
    assert response.getvalue() == SHEETS
    assert response["Content-Disposition"] == 'attachment; filename="sheets.pdf"'
    assert response["Cache-Control"] == "private, no-store"
    assert client.get(link, headers={"Range": "bytes=0-3"}).getvalue() == b"All "


def test_file_has_no_public_address(songs, settings):
    download = attach(songs)
    assert private_storage().exists(download.file.name)
    from django.core.files.storage import default_storage

    assert not default_storage.public.exists(download.file.name)


def test_payment_that_is_charged_back_closes_it_again(songs):
    download, user = attach(songs), UserFactory()
    invoice = invoice_of(place({songs: 1}, user=user, now=MARCH))
    payment = pay(invoice)
    url = download_url(download, user)
    assert Client().get(url).status_code == 200
    charge_back(payment_id=payment.pk, day=TODAY, reason="disputed")
    assert Client().get(url).status_code == 403


def test_credited_and_cancelled_orders_open_nothing(songs):
    download, user = attach(songs), UserFactory()
    order = place({songs: 2}, user=user, now=MARCH)
    invoice = invoice_of(order)
    pay(invoice)
    credit_document(document_id=invoice.pk, lines=units(invoice, 1), reason="one too many", today=TODAY)
    assert Client().get(download_url(download, user)).status_code == 200
    credit_document(document_id=invoice.pk, lines=units(invoice, 1), reason="the other too", today=TODAY)
    [(granted, sentence)] = sentences(user)
    assert not granted
    assert "cancelled" in sentence or "credited" in sentence
    assert Client().get(download_url(download, user)).status_code == 403
    other = place({songs: 1}, user=user, now=MARCH)
    cancel_document(document_id=invoice_of(other).pk, reason="by mistake", today=TODAY)
    assert Client().get(download_url(download, user)).status_code == 403


def test_order_that_the_shop_cancelled_opens_nothing(songs, settings):
    download, user = attach(songs), UserFactory()
    order = place({songs: 1}, user=user, now=MARCH)
    pay(invoice_of(order))
    get_model("order", "Order").objects.filter(pk=order.pk).update(status="Cancelled")
    assert sentences(user) == [(False, f"Closed: order {order.number} was cancelled.")]
    assert Client().get(download_url(download, user)).status_code == 403


def test_file_that_comes_with_the_order_closes_while_the_invoice_is_overdue(songs):
    download, user = attach(songs, opens="ordered"), UserFactory()
    order = place({songs: 1}, user=user, now=MARCH)
    assert sentences(user) == [(True, f"Bought with order {order.number}, to be paid.")]
    item = invoice_of(order).open_item
    item.due_on = date(2026, 3, 30)
    item.save()
    assert not sentences(user)[0][0]
    assert Client().get(download_url(download, user)).status_code == 403
    pay(invoice_of(order))
    assert Client().get(download_url(download, user)).status_code == 200


def test_buyer_of_a_variant_gets_the_file_of_the_product(songs):
    Product = get_model("catalogue", "Product")
    parent = Product.objects.create(structure="parent", title="Songs", product_class=songs.product_class)
    Product.objects.filter(pk=songs.pk).update(structure="child", parent=parent, product_class=None)
    songs.refresh_from_db()
    attach(parent)
    user = UserFactory()
    pay(invoice_of(place({songs: 1}, user=user, now=MARCH)))
    assert [granted for granted, _sentence in sentences(user)] == [True]


def test_member_with_a_plan_gets_it_until_locked(songs):
    plan = PlanFactory()
    download = attach(songs)
    download.plans.add(plan)
    user, contract = member(plan)
    assert sentences(user) == [(True, f"Open through contract {contract.number} ({plan.name}).")]
    url = download_url(download, user)
    assert Client().get(url).status_code == 200
    in_dunning(contract, level=2, locked=True)
    assert not sentences(user)[0][0]
    assert Client().get(url).status_code == 403


def test_product_that_sells_a_plan_opens_by_the_contract(issuer):
    product = plan_product(partner_of(issuer), issuer=issuer)
    attach(product)
    user, _contract = member(product.plan_product.plan)
    assert [granted for granted, _sentence in sentences(user)] == [True]
    stranger, _contract = member(PlanFactory())
    assert sentences(stranger) == []


def test_neighbour_guest_and_altered_links_get_nothing(songs, settings):
    download, user, neighbour = attach(songs), UserFactory(), UserFactory()
    pay(invoice_of(place({songs: 1}, user=user, now=MARCH)))
    url = download_url(download, user)
    assert sentences(neighbour) == []
    assert client_of(neighbour).get(url).status_code == 403
    assert client_of(neighbour).get(download_url(download, neighbour)).status_code == 403
    other = attach(book(partner_of(name="Other"), title="Other"), name="other.pdf")
    assert client_of(user).get(download_url(other, user)).status_code == 403
    token = url.split("/")[-2]
    assert Client().get(url.replace(token, token[:-1] + "_")).status_code == 403
    assert Client().get(reverse("cms_billing:account_downloads")).status_code == 302
    settings.CMS_BILLING = {**settings.CMS_BILLING, "FILE_LINK_SECONDS": -1}
    assert client_of(user).get(url).status_code == 403


def test_link_to_a_file_of_the_paywall_is_none_to_a_download(songs):
    from cms_billing.core.file_links import FileLink, sign_link

    user = UserFactory()
    token = sign_link(FileLink("document 1", str(user.pk)))
    assert Client().get(reverse("cms_billing:product_download", args=[token, "x.pdf"])).status_code == 403
    token = sign_link(FileLink(f"download {attach(songs).pk}", str(user.pk)))
    assert Client().get(reverse("cms_billing:signed_file", args=[token, "x.pdf"])).status_code in (403, 404)


def test_page_costs_the_same_however_much_was_bought(issuer):
    user = UserFactory()
    client = client_of(user)
    counts = []
    for _more in range(2):
        for number in range(2):
            product = book(partner_of(issuer, name=f"P{number}"), title=f"Book {number}")
            attach(product).plans.add(PlanFactory(issuer=issuer))
            pay(invoice_of(place({product: 1}, user=user, now=MARCH)))
        client.get(reverse("cms_billing:account_downloads"))
        with CaptureQueriesContext(connection) as asked:
            assert client.get(reverse("cms_billing:account_downloads")).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_editor_attaches_a_file_to_a_product(songs):
    client = client_of(UserFactory(is_superuser=True))
    response = client.post(
        reverse("billing-productdownload:add"),
        {
            "product": songs.pk,
            "title": "Sheet music",
            "opens": "paid",
            "position": "0",
            "file": SimpleUploadedFile("sheets.pdf", SHEETS),
        },
    )
    assert response.status_code == 302, response.content.decode()[-3000:]
    download = ProductDownload.objects.get()
    assert download.filename == "sheets.pdf"
    assert client.get(reverse("billing-productdownload:edit", args=[download.pk])).status_code == 200
    assert "Sheet music" in client.get(reverse("billing-productdownload:index")).content.decode()


def test_editor_of_another_issuer_does_not_see_it(songs):
    from django.contrib.auth.models import Group

    attach(songs)
    other = IssuerFactory()
    group = Group.objects.create(name="Others")
    other.groups.add(group)
    user = UserFactory()
    user.groups.add(group)
    assert not ProductDownload.objects.visible_to(user).exists()


# The rule itself


@pytest.mark.parametrize(
    ("purchase", "early", "granted", "answer"),
    [
        (Purchase("1", 1, 0), False, True, Answer.BOUGHT),
        (Purchase("1", 1, 0, cancelled=True), False, False, Answer.CANCELLED),
        (Purchase("1", 1, 900), False, False, Answer.UNPAID),
        (Purchase("1", 1, 900), True, True, Answer.ORDERED),
        (Purchase("1", 1, 900, invoiced=(InvoicedLine(0, owed=False),)), True, False, Answer.CREDITED),
        (
            Purchase("1", 1, 900, invoiced=(InvoicedLine(0, owed=True), InvoicedLine(900, owed=False))),
            False,
            True,
            Answer.BOUGHT,
        ),
        (
            Purchase("1", 1, 900, invoiced=(InvoicedLine(900, owed=True, due_on=date(2026, 3, 30)),)),
            True,
            False,
            Answer.OVERDUE,
        ),
        (
            Purchase("1", 1, 900, invoiced=(InvoicedLine(900, owed=True, due_on=TODAY),)),
            True,
            True,
            Answer.ORDERED,
        ),
    ],
)
def test_what_a_purchase_opens(purchase, early, granted, answer):
    found = judge(purchase, before_payment=early, today=TODAY)
    assert (found.granted, found.answer) == (granted, answer)


def test_the_better_of_two_orders_counts():
    unpaid, paid = Purchase("1", 1, 900), Purchase("2", 1, 0)
    found = best([judge(one, before_payment=False, today=TODAY) for one in (unpaid, paid)])
    assert found is not None
    assert (found.granted, found.order) == (True, "2")
