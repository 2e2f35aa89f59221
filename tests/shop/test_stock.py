"""Corrections of goods: what becomes of the stock, and that it happens once."""

from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.signals import post_save
from django.test import override_settings
from oscar.core.loading import get_model

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError, FrozenRecord
from cms_billing.faktura.goods import stock_notes
from cms_billing.faktura.models import Booking, Document
from cms_billing.faktura.services import CreditLine, cancel_document, credit_document
from cms_billing.shop.models import StockMovement
from cms_billing.shop.services import rebook_goods, ship_order
from cms_billing.shop.verification import stock_findings
from cms_billing.testing.factories import IssuerFactory, UserFactory

from .orders import MARCH, invoice_of, place, ship, stock_of, units, units_of
from .shop import book, germany, partner_of, plan_product

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 20)
Line = get_model("order", "Line")
Order = get_model("order", "Order")
ProductClass = get_model("catalogue", "ProductClass")


@pytest.fixture(autouse=True)
def the_14th_of_march():
    with clock.frozen(MARCH):
        yield


@pytest.fixture
def issuer():
    germany()
    return IssuerFactory()


@pytest.fixture
def songs(issuer):
    return book(partner_of(issuer))


def credit(invoice, lines, **kwargs):
    return credit_document(document_id=invoice.pk, lines=lines, reason="Retoure", today=TODAY, **kwargs)


def cancel(invoice, **kwargs):
    return cancel_document(document_id=invoice.pk, reason="Widerruf", today=TODAY, **kwargs)


def movements():
    return list(StockMovement.objects.order_by("pk").values_list("kind", "quantity"))


def test_goods_are_reserved_and_then_shipped_as_oscar_does_it(songs):
    order = place({songs: 2})
    assert stock_of(songs) == (10, 2)
    ship(order)
    assert stock_of(songs) == (8, 0)


def test_a_shipped_book_that_comes_back_is_in_stock_again(songs):
    order = place({songs: 2})
    ship(order)
    chef = UserFactory(username="chef")
    correction = credit(invoice_of(order), units(invoice_of(order), 1), user=chef)
    assert stock_of(songs) == (9, 0)
    row = StockMovement.objects.get()
    assert (row.kind, row.quantity, row.stock_change, row.reserved_change) == ("returned", 1, 1, 0)
    assert (row.stock_after, row.reserved_after, row.day, row.recorded_by) == (9, 0, TODAY, "chef")
    assert (row.title, row.sku, row.partner_name) == ("Liederbuch", f"sku-{songs.pk}", "Akademie")
    assert row.correction_line.document == correction
    assert (row.order_line, row.issuer_id) == (order.lines.get(), correction.issuer_id)


def test_a_book_that_was_not_shipped_is_free_again(songs):
    order = place({songs: 2})
    credit(invoice_of(order), units(invoice_of(order), 1))
    assert stock_of(songs) == (10, 1)
    assert order.lines.get().num_allocated == 1
    assert movements() == [("released", 1)]


def test_units_that_are_still_in_the_house_are_released_first(songs):
    order = place({songs: 3})
    ship(order, 1)
    credit(invoice_of(order), units(invoice_of(order), 3))
    assert movements() == [("released", 2), ("returned", 1)]
    assert stock_of(songs) == (10, 0)
    assert order.lines.get().num_allocated == 0


def test_a_damaged_book_stays_out_of_the_stock(songs):
    order = place({songs: 2})
    ship(order)
    credit(invoice_of(order), units(invoice_of(order), 1, restock=False))
    assert stock_of(songs) == (8, 0)
    assert movements() == [("damaged", 1)]


def test_a_book_that_is_damaged_before_it_is_shipped_leaves_the_stock(songs):
    order = place({songs: 2})
    credit(invoice_of(order), units(invoice_of(order), 1, restock=False))
    assert stock_of(songs) == (9, 1)
    assert movements() == [("written_off", 1)]


def test_a_reduced_price_moves_no_goods(songs):
    invoice = invoice_of(place({songs: 2}))
    credit(invoice, [CreditLine(line_id=invoice.lines.get().pk, gross_minor=500)])
    assert stock_of(songs) == (10, 2)
    assert movements() == []


def test_a_product_without_stock_is_untouched_and_said_so(issuer):
    sheet = book(partner_of(issuer), title="Notenblatt")
    ProductClass.objects.update(track_stock=False)
    sheet.stockrecords.update(num_in_stock=None)
    order = place({sheet: 2})
    credit(invoice_of(order), units(invoice_of(order), 2))
    record = sheet.stockrecords.get()
    assert (record.num_in_stock, record.num_allocated) == (None, None)
    row = StockMovement.objects.get()
    assert (row.kind, row.quantity, row.stock_after) == ("untracked", 2, None)


def test_each_line_goes_to_its_own_stock_record(issuer):
    partner = partner_of(issuer)
    first, second = book(partner), book(partner, title="Griffe", stock=5, price="12.00")
    order = place({first: 2, second: 3})
    ship(order)
    credit(invoice_of(order), units(invoice_of(order), 1, 2))
    assert (stock_of(first), stock_of(second)) == ((9, 0), (4, 0))


def test_cancelling_the_invoice_rebooks_all_that_is_left(songs):
    order = place({songs: 3})
    ship(order, 2)
    invoice = invoice_of(order)
    credit(invoice, units(invoice, 1))
    cancel(invoice, bill_again=False)
    assert stock_of(songs) == (10, 0)
    assert movements() == [("released", 1), ("returned", 2)]
    with pytest.raises(BillingError, match="cancelled"):
        cancel(invoice, bill_again=False)
    assert stock_of(songs) == (10, 0)


def test_an_invoice_that_is_cancelled_to_be_billed_again_leaves_the_goods_with_the_customer(songs):
    order = place({songs: 2})
    ship(order)
    cancel(invoice_of(order), bill_again=True)
    assert stock_of(songs) == (8, 0)
    assert movements() == []
    assert Booking.objects.get().state == Booking.State.OPEN


def test_a_line_is_rebooked_once(songs):
    order = place({songs: 2})
    ship(order)
    correction = credit(invoice_of(order), units(invoice_of(order), 1))
    with pytest.raises(IntegrityError), transaction.atomic():
        rebook_goods(document=correction, today=TODAY)
    assert stock_of(songs) == (9, 0)


def test_a_unit_that_is_not_left_cannot_be_credited_and_nothing_moves(songs):
    order = place({songs: 1})
    ship(order)
    invoice = invoice_of(order)
    credit(invoice, units(invoice, 1))
    with pytest.raises(BillingError, match="nothing is left of it"):
        credit(invoice, units(invoice, 1))
    assert stock_of(songs) == (10, 0)
    assert movements() == [("returned", 1)]


def test_where_the_price_does_not_divide_each_unit_can_be_credited(issuer):
    songs = book(partner_of(issuer), price="10.00")
    order = place({songs: 3})
    ship(order)
    invoice = invoice_of(order)
    for _unit in range(3):
        credit(invoice, units_of(invoice, {"Liederbuch": 1}))
    assert stock_of(songs) == (10, 0)
    corrections = Document.objects.filter(corrects=invoice)
    assert sum(one.gross_minor for one in corrections) == -invoice.gross_minor


def test_a_deleted_product_stops_no_correction(songs):
    order = place({songs: 2})
    ship(order)
    invoice = invoice_of(order)
    songs.delete()
    credit(invoice, units(invoice, 1))
    row = StockMovement.objects.get()
    assert (row.kind, row.reason, row.stock_after) == ("not_rebooked", "record_is_gone", None)
    assert row.title == "Liederbuch"


def test_history_stays_when_the_product_is_deleted(songs):
    order = place({songs: 2})
    credit(invoice_of(order), units(invoice_of(order), 1))
    songs.delete()
    row = StockMovement.objects.select_related("product").get()
    assert (row.title, row.product) == ("Liederbuch", None)


def test_a_reservation_the_shop_gave_up_itself_is_not_put_into_stock(songs):
    order = place({songs: 2})
    order.lines.get().cancel_allocation(2)
    assert stock_of(songs) == (10, 0)
    cancel(invoice_of(order), bill_again=False)
    assert stock_of(songs) == (10, 0)
    row = StockMovement.objects.get()
    assert (row.kind, row.reason) == ("not_rebooked", "allocation_cancelled")


def test_a_stock_taking_in_between_leaves_nothing_below_zero(songs):
    order = place({songs: 2})
    songs.stockrecords.update(num_in_stock=1, num_allocated=0)
    credit(invoice_of(order), units(invoice_of(order), 2, restock=False))
    assert stock_of(songs) == (0, 0)
    assert order.lines.get().num_allocated == 0


def test_movements_cannot_be_changed_or_deleted(songs):
    order = place({songs: 2})
    credit(invoice_of(order), units(invoice_of(order), 1))
    row = StockMovement.objects.get()
    row.quantity = 2
    with pytest.raises(FrozenRecord):
        row.save()
    with pytest.raises(FrozenRecord):
        row.delete()
    table = StockMovement._meta.db_table
    for statement in (f"UPDATE {table} SET quantity = 2", f"DELETE FROM {table}"):
        with pytest.raises(Exception, match="is frozen"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_if_the_goods_cannot_be_rebooked_there_is_no_correction(songs, monkeypatch):
    order = place({songs: 2})

    def fail(shelf):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("cms_billing.shop.services.stock._write", fail)
    with pytest.raises(RuntimeError), transaction.atomic():
        credit(invoice_of(order), units(invoice_of(order), 1))
    assert Document.objects.count() == 1


def test_goods_that_were_not_rebooked_are_found(songs, monkeypatch):
    order = place({songs: 3})
    invoice = invoice_of(order)
    credit(invoice, units(invoice, 1))
    assert list(stock_findings(invoice.issuer)) == []
    monkeypatch.setattr("cms_billing.shop.receivers.rebook_goods", lambda **kwargs: [])
    correction = credit(invoice, units(invoice, 2))
    assert list(stock_findings(invoice.issuer)) == [
        f"{correction}, line 1: 2 units came back, 0 are accounted for."
    ]
    assert list(stock_findings(IssuerFactory())) == []


# -- Oscar's own record of the order ---------------------------------------------------------------------------------


def test_the_order_says_what_came_back(songs):
    order = place({songs: 3})
    ship(order, 2)
    correction = credit(invoice_of(order), units(invoice_of(order), 2))
    note = order.notes.get()
    assert correction.number in note.message
    assert "1 × Liederbuch: returned to stock" in note.message
    event = order.shipping_events.get()
    assert event.event_type.code == "returned"
    assert [(row.line_id, row.quantity) for row in event.line_quantities.all()] == [(order.lines.get().pk, 1)]


def test_a_return_the_shop_has_noted_itself_is_not_counted_twice(songs):
    order = place({songs: 1})
    ship(order)
    types = get_model("order", "ShippingEventType").objects
    event = order.shipping_events.create(event_type=types.create(name="Returned"))
    event.line_quantities.create(line=order.lines.get(), quantity=1)
    credit(invoice_of(order), units(invoice_of(order), 1))
    assert order.shipping_events.get() == event


@pytest.fixture
def pipeline(monkeypatch):
    monkeypatch.setattr(Order, "pipeline", {"Pending": ("Cancelled", "Sent"), "Sent": (), "Cancelled": ()})


def test_an_order_of_which_all_is_credited_is_cancelled(songs, pipeline, django_capture_on_commit_callbacks):
    order = place({songs: 2})
    invoice = invoice_of(order)
    with django_capture_on_commit_callbacks(execute=True):
        credit(invoice, units(invoice, 1))
    order.refresh_from_db()
    assert order.status == "Pending"
    with django_capture_on_commit_callbacks(execute=True):
        cancel(invoice, bill_again=False)
    order.refresh_from_db()
    assert order.status == "Cancelled"
    assert order.status_changes.get().new_status == "Cancelled"


def test_an_order_that_is_billed_again_keeps_its_status(songs, pipeline, django_capture_on_commit_callbacks):
    order = place({songs: 2})
    with django_capture_on_commit_callbacks(execute=True):
        cancel(invoice_of(order), bill_again=True)
    order.refresh_from_db()
    assert order.status == "Pending"


def test_an_order_whose_pipeline_knows_no_way_keeps_its_status(
    songs, pipeline, django_capture_on_commit_callbacks
):
    order = place({songs: 2})
    Order.objects.update(status="Sent")
    with django_capture_on_commit_callbacks(execute=True):
        cancel(invoice_of(order), bill_again=False)
    order.refresh_from_db()
    assert order.status == "Sent"


@override_settings(CMS_BILLING={"CANCELLED_ORDER_STATUS": "Storniert"})
def test_the_status_of_cancelled_orders_is_the_sites_own(
    songs, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(Order, "pipeline", {"Pending": ("Storniert",), "Storniert": ()})
    order = place({songs: 2})
    with django_capture_on_commit_callbacks(execute=True):
        cancel(invoice_of(order), bill_again=False)
    order.refresh_from_db()
    assert order.status == "Storniert"


# -- goods that leave the house --------------------------------------------------------------------------------------

SHIPPED = {"SHIPPED_ORDER_STATUS": "Sent"}


@override_settings(CMS_BILLING=SHIPPED)
def test_goods_leave_the_stock_when_the_order_gets_the_status_for_it(songs, pipeline):
    order = place({songs: 2})
    order.set_status("Sent")
    assert stock_of(songs) == (8, 0)
    assert order.lines.get().num_allocated == 0


def test_without_the_setting_the_site_takes_goods_out_itself(songs, pipeline):
    order = place({songs: 2})
    order.set_status("Sent")
    assert stock_of(songs) == (10, 2)


def test_goods_are_shipped_once(songs):
    order = place({songs: 2})
    ship(order, 1)
    assert [ship_order(order=order), ship_order(order=order)] == [1, 0]
    assert stock_of(songs) == (8, 0)


def test_what_was_returned_before_it_was_shipped_is_not_shipped(songs):
    order = place({songs: 2})
    credit(invoice_of(order), units(invoice_of(order), 1))
    assert ship_order(order=order) == 1
    assert stock_of(songs) == (9, 0)


def test_shipping_after_a_stock_taking_leaves_nothing_below_zero(songs):
    order = place({songs: 2})
    songs.stockrecords.update(num_in_stock=1, num_allocated=0)
    ship_order(order=order)
    assert stock_of(songs) == (0, 0)


def test_shipping_leaves_alone_what_is_not_kept_in_stock_or_gone(issuer):
    partner = partner_of(issuer)
    songs, plan = book(partner), plan_product(partner, issuer=issuer)
    order = place({songs: 2, plan: 1})
    songs.delete()
    assert ship_order(order=order) == 0


# -- Oscar's alerts --------------------------------------------------------------------------------------------------


def test_a_low_stock_alert_closes_when_the_goods_are_back(songs, django_capture_on_commit_callbacks):
    songs.stockrecords.update(low_stock_threshold=9)
    order = place({songs: 2})
    with django_capture_on_commit_callbacks(execute=True):
        ship_order(order=order)
    alert = songs.stockrecords.get().alerts.get()
    assert alert.status == "Open"
    with django_capture_on_commit_callbacks(execute=True):
        credit(invoice_of(order), units(invoice_of(order), 2))
    alert.refresh_from_db()
    assert alert.status == "Closed"


def test_nobody_is_told_of_goods_whose_correction_is_undone(songs, django_capture_on_commit_callbacks):
    told = []

    def hear(sender, **kwargs):
        told.append(sender)

    order = place({songs: 2})
    ship(order)
    post_save.connect(hear, sender=get_model("partner", "StockRecord"))
    try:
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            credit(invoice_of(order), units(invoice_of(order), 2))
            assert told == []
            transaction.set_rollback(True)
    finally:
        post_save.disconnect(hear, sender=get_model("partner", "StockRecord"))
    assert told == []


# -- what a form asks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what_the_shop_did", "note"),
    [
        (lambda order: ship_order(order=order), ""),
        (
            lambda order: order.lines.get().cancel_allocation(2),
            "The shop has given up the reservation itself",
        ),
        (
            lambda order: order.lines.get().product.delete(),
            "The product or its stock record has been deleted",
        ),
        (lambda order: order.lines.all().delete(), "The product or its stock record has been deleted"),
    ],
)
def test_a_form_says_what_will_not_be_rebooked(songs, what_the_shop_did, note):
    order = place({songs: 2})
    line = invoice_of(order).lines.get()
    what_the_shop_did(order)
    assert stock_notes([line.pk])[line.pk].startswith(note)


def test_an_order_line_that_is_gone_stops_no_correction(songs):
    order = place({songs: 2})
    invoice = invoice_of(order)
    order.lines.all().delete()
    credit(invoice, units(invoice, 1))
    row = StockMovement.objects.get()
    assert (row.kind, row.reason, row.title, row.order_line) == (
        "not_rebooked",
        "record_is_gone",
        "Liederbuch",
        None,
    )


def test_a_form_is_told_which_lines_are_goods_from_stock(issuer):
    partner = partner_of(issuer)
    songs, plan = book(partner), plan_product(partner, issuer=issuer)
    order = place({songs: 2, plan: 1})
    ship(order, 1)
    lines = {line.description: line.pk for line in invoice_of(order).lines.all()}
    notes = stock_notes(list(lines.values()))
    assert list(notes) == [lines["Liederbuch"]]
    assert notes[lines["Liederbuch"]] == "1 unit has not been shipped yet: its reservation is released first."
