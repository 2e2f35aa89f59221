"""From the basket to the invoice, as a browser goes."""

from datetime import UTC, date, datetime

import pytest
from bs4 import BeautifulSoup
from django.core import mail
from django.urls import reverse
from oscar.core.loading import get_model

from cms_billing.core import clock, outbox
from cms_billing.faktura.models import Booking, Customer, Document
from cms_billing.faktura.services import issue_next_invoices
from cms_billing.memberships.models import Contract
from cms_billing.memberships.services import book_next_due
from cms_billing.shop.models import OrderBilling, OrderConfirmation
from cms_billing.shop.selectors import documents_of_order
from cms_billing.testing.factories import IssuerFactory, UserFactory

from .shop import Visitor, book, euro, germany, partner_of, plan_product

Order = get_model("order", "Order")
UserAddress = get_model("address", "UserAddress")
MARCH = datetime(2026, 3, 14, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def the_14th_of_march():
    with clock.frozen(MARCH):
        yield


@pytest.fixture
def issuer():
    germany()
    return IssuerFactory()


@pytest.fixture
def member(client):
    return Visitor(client, UserFactory(first_name="Anna", last_name="Muster"))


def test_buying_a_membership_signs_the_contract_and_issues_the_invoice_at_once(issuer, member):
    product = plan_product(partner_of(), issuer=issuer, price=euro("9.90"))
    response = member.order(product)
    assert response.url == reverse("checkout:thank-you")
    order = Order.objects.get()
    contract = Contract.objects.get()
    assert (contract.origin, contract.start, contract.customer.user) == (
        order.number,
        date(2026, 3, 14),
        member.user,
    )
    invoice = Document.objects.get()
    assert (invoice.kind, invoice.gross_minor, invoice.tax_minor) == ("invoice", 990, 158)
    assert list(documents_of_order(order)) == [invoice]
    assert contract.lines.get().next_due == date(2026, 4, 14)
    assert invoice.recipient_address == "Anna Muster\nHauptstraße 1\n10115 Berlin"


def test_the_daily_run_goes_on_where_the_order_ended(issuer, member):
    member.order(plan_product(partner_of(), issuer=issuer))
    assert book_next_due(issuer=issuer, today=date(2026, 3, 14)).bookings == 0
    assert book_next_due(issuer=issuer, today=date(2026, 4, 14)).bookings == 1
    assert len(issue_next_invoices(issuer=issuer, today=date(2026, 4, 14)).done) == 1


def test_the_thank_you_page_and_the_order_page_show_the_invoice(issuer, member):
    member.order(plan_product(partner_of(), issuer=issuer))
    number = Document.objects.get().number
    thanks = member.client.get(reverse("checkout:thank-you"))
    assert number in thanks.content.decode()
    order_page = member.client.get(reverse("customer:order", args=[Order.objects.get().number]))
    assert number in order_page.content.decode()
    assert (
        reverse("cms_billing:pay_document", args=[Document.objects.get().pk]) in order_page.content.decode()
    )


def test_goods_and_shipping_and_a_membership_go_on_one_invoice(issuer, member):
    partner = partner_of()
    member.order(
        plan_product(partner, issuer=issuer, price=euro("9.90")), book(partner, price="24.80"), shipping=True
    )
    invoice = Document.objects.get()
    assert invoice.gross_minor == 990 + 2480
    assert [(group.tax_code, group.gross_minor) for group in invoice.tax_groups.all()] == [
        ("standard", 990),
        ("reduced", 2480),
    ]


def test_two_issuers_in_one_basket_get_an_invoice_each(issuer, member):
    seller = IssuerFactory()
    member.order(
        plan_product(partner_of(), issuer=issuer, price=euro("9.90")),
        book(partner_of(seller, name="Verlag"), price="24.80"),
        shipping=True,
    )
    amounts = {document.issuer: document.gross_minor for document in Document.objects.all()}
    assert amounts == {issuer: 990, seller: 2480}
    assert Customer.objects.filter(user=member.user).count() == 2


def test_a_guest_buys_goods_and_gets_an_account_of_their_own(issuer, client):
    guest = Visitor(client)
    guest.order(book(partner_of()), shipping=True)
    assert Document.objects.get().recipient_email == "gast@example.org"
    Visitor(client).order(book(partner_of(name="Zwei")), shipping=True)
    assert Customer.objects.filter(user=None).count() == 2


def test_a_guest_is_asked_to_sign_in_for_a_membership(issuer, client):
    guest = Visitor(client)
    guest.put_in_basket(plan_product(partner_of(), issuer=issuer))
    refused = guest.give_email()
    assert refused.status_code == 200
    assert "anonymous" in str(refused.context["form"].errors)
    assert client.get(reverse("checkout:shipping-address"), follow=True).redirect_chain[-1][0] == reverse(
        "checkout:index"
    )


@pytest.mark.parametrize(("sold", "options"), [("goods", 3), ("plan", 2)])
def test_the_sign_in_page_offers_what_is_possible_with_this_basket(issuer, client, sold, options):
    partner = partner_of()
    Visitor(client).put_in_basket(book(partner) if sold == "goods" else plan_product(partner, issuer=issuer))
    page = BeautifulSoup(client.get(reverse("checkout:index")).content, "html.parser")
    assert len(page.select("input[name=options]")) == options
    assert (
        page.select_one("input[value=existing]")
        .find_parent("div", class_="form-group")
        .select_one("input[type=password]")
    )


def test_an_address_with_mistakes_is_asked_for_again(issuer, member):
    member.put_in_basket(plan_product(partner_of(), issuer=issuer))
    member.client.get(reverse("checkout:shipping-method"))
    response = member.choose_payment(postcode="1", line1="")
    assert response.status_code == 200
    errors = response.context["address_form"].errors
    assert set(errors) == {"line1", "postcode"}


def test_the_address_book_is_offered_and_a_neighbours_address_refused(issuer, member):
    member.order(plan_product(partner_of(), issuer=issuer))
    mine = member.user.addresses.get()
    theirs = UserAddress.objects.create(
        user=UserFactory(),
        first_name="Uwe",
        last_name="Fremd",
        line1="Weg 2",
        line4="Kiel",
        country=germany(),
    )
    member.put_in_basket(plan_product(partner_of(name="Zwei"), issuer=issuer))
    member.client.get(reverse("checkout:shipping-method"))
    assert member.choose_payment(billing=str(theirs.pk)).status_code == 200
    assert member.choose_payment(billing=str(mine.pk)).status_code == 302


def test_terms_above_the_button_count_every_contract_of_the_basket(issuer, member):
    product = plan_product(
        partner_of(),
        issuer=issuer,
        interval="instalments",
        instalments=6,
        kind="course",
        price=euro("250.00"),
    )
    member.put_in_basket(product, quantity=2)
    terms = member.go_to_preview().context["plan_terms"]
    assert [(t.quantity, t.total, t.first) for t in terms] == [(2, euro("500.00"), euro("83.32"))]


def test_instalments_bill_the_first_part_and_sign_for_the_whole(issuer, member):
    product = plan_product(
        partner_of(),
        issuer=issuer,
        price=euro("250.00"),
        interval="instalments",
        instalments=6,
        kind="course",
        name="Songwriting",
    )
    member.order(product)
    assert Document.objects.get().gross_minor == 4166
    line = Contract.objects.get().lines.get()
    assert (line.price_minor, line.instalments, line.next_due) == (25000, 6, date(2026, 4, 14))


def test_a_course_is_not_ordered_without_the_consent(issuer, member):
    member.put_in_basket(plan_product(partner_of(), issuer=issuer, kind="course", interval="once"))
    preview = member.go_to_preview()
    refused = member.press_the_button(preview, consent_start=None)
    assert refused.status_code == 200
    assert not Order.objects.exists()
    member.press_the_button(preview)
    assert OrderBilling.objects.get().consents == [
        "I agree that access to the course starts at once, before the period for withdrawal has ended, and I know "
        "that I lose my right of withdrawal with it."
    ]


def test_a_basket_that_changed_after_the_preview_is_shown_again(issuer, member):
    partner = partner_of()
    member.put_in_basket(book(partner))
    preview = member.go_to_preview(shipping=True)
    member.put_in_basket(book(partner, title="Zweites Buch"))
    response = member.press_the_button(preview)
    assert response.status_code == 200
    assert "have changed" in response.content.decode()
    assert not Order.objects.exists()


def test_the_preview_says_price_term_and_the_words_the_law_asks_for(issuer, member):
    member.put_in_basket(plan_product(partner_of(), issuer=issuer))
    text = member.go_to_preview().content.decode()
    assert "Order with obligation to pay" in text
    assert "€9.90 (monthly), tax included" in text


def test_an_order_of_nothing_is_booked_without_an_invoice(issuer, member):
    member.order(plan_product(partner_of(), issuer=issuer, price=euro("0.00")))
    assert Contract.objects.get().state == "active"
    assert not Document.objects.exists()
    assert Booking.objects.get().state == "void"


def test_a_voucher_lowers_the_first_period_only(issuer, member):
    from oscar.test.factories import VoucherFactory

    product = plan_product(partner_of(), issuer=issuer, price=euro("9.90"))
    all_products = get_model("offer", "Range").objects.create(name="all", includes_all_products=True)
    voucher = VoucherFactory(
        code="WILLKOMMEN",
        start_datetime=datetime(2020, 1, 1, tzinfo=UTC),
        end_datetime=datetime(2099, 1, 1, tzinfo=UTC),
    )
    voucher.offers.clear()
    benefit = get_model("offer", "Benefit").objects.create(type="Percentage", value=50, range=all_products)
    condition = get_model("offer", "Condition").objects.create(type="Count", value=1, range=all_products)
    offer = get_model("offer", "ConditionalOffer").objects.create(
        name="half", offer_type="Voucher", benefit=benefit, condition=condition
    )
    voucher.offers.add(offer)
    member.put_in_basket(product)
    member.client.post(reverse("basket:vouchers-add"), {"code": "WILLKOMMEN"})
    member.press_the_button(member.go_to_preview())
    assert Document.objects.get().gross_minor == 495
    assert Contract.objects.get().lines.get().price_minor == 990


def test_the_confirmation_is_mailed_by_the_worker_not_by_the_request(issuer, member):
    member.order(plan_product(partner_of(), issuer=issuer))
    assert not [m for m in mail.outbox if Order.objects.get().number in m.body]
    outbox.drain(OrderConfirmation, now=clock.now())
    assert Order.objects.get().number in mail.outbox[-1].body


def test_stock_is_kept_for_goods_and_not_touched_for_plans(issuer, member):
    partner = partner_of()
    goods, plan = book(partner), plan_product(partner, issuer=issuer)
    member.order(goods, plan, shipping=True)
    assert goods.stockrecords.get().num_allocated == 1
    assert plan.stockrecords.get().num_allocated is None
