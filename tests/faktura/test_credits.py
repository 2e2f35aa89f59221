"""Corrections in part: a share of what was sold, never more than is left of it, to the cent."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cms_billing.core.money import Money
from cms_billing.faktura import crediting
from cms_billing.faktura.exceptions import CannotCancel, LineNotCredited
from cms_billing.faktura.models import Booking, DocumentKind, LedgerEntry
from cms_billing.faktura.selectors import left_to_credit
from cms_billing.faktura.services import (
    CreditLine,
    account_balance,
    cancel_document,
    credit_document,
    issue_next_invoices,
    post_entries,
    write_off,
)
from cms_billing.faktura.services.ledger import Entry
from cms_billing.faktura.signals import lines_corrected
from cms_billing.faktura.totals import Amounts
from cms_billing.testing.factories import BookingFactory

from .documents import TODAY, draft_line, issue

LATER = date(2026, 3, 20)


def books(quantity=2, price=2480, **changes):
    """Two books at 24.80 with 7 %."""
    return draft_line(
        "Buch",
        quantity=Decimal(quantity),
        unit_price_minor=price,
        tax_code="reduced",
        tax_percent=Decimal(7),
        contract_reference="",
        **changes,
    )


def credit(invoice, *lines, **changes):
    return credit_document(
        **{"document_id": invoice.pk, "lines": lines, "reason": "Rückgabe", "today": LATER, **changes}
    )


def pay(invoice, amount=None):
    post_entries(
        issuer_id=invoice.issuer_id,
        customer_id=invoice.customer_id,
        entries=[Entry(LedgerEntry.Kind.PAYMENT, -(amount or invoice.gross), invoice.pk)],
        booked_on=TODAY,
    )


def open_minor(invoice):
    invoice.open_item.refresh_from_db()
    return invoice.open_item.open_minor


def on_account(invoice):
    return account_balance(customer_id=invoice.customer_id, currency="EUR").minor


@pytest.mark.django_db
class TestUnits:
    def test_one_of_two_is_credited_with_its_tax_under_a_number_of_its_own(self):
        invoice = issue(lines=(books(),))
        [line] = invoice.lines.all()
        correction = credit(invoice, CreditLine(line.pk, quantity=Decimal(1), restock=True))
        assert (correction.kind, correction.number) == (DocumentKind.CREDIT_NOTE, "RK-2026-000001")
        assert correction.corrects == invoice
        assert (correction.extra["corrects"], correction.extra["corrects_date"]) == (
            invoice.number,
            "2026-03-02",
        )
        assert (correction.gross_minor, correction.tax_minor) == (-2480, -162)
        [of_one] = correction.lines.all()
        assert (of_one.corrects_line, of_one.returned, of_one.restock) == (line, Decimal(1), True)
        assert (of_one.quantity, of_one.unit_price_minor) == (Decimal(1), -2480)
        [group] = correction.tax_groups.all()
        assert (group.tax_percent, group.tax_minor) == (Decimal(7), -162)
        assert open_minor(invoice) == 2480

    def test_more_than_is_left_is_refused_and_says_what_is(self):
        invoice = issue(lines=(books(),))
        [line] = invoice.lines.all()
        credit(invoice, CreditLine(line.pk, quantity=Decimal(1)))
        with pytest.raises(LineNotCredited, match=r"line 1 \(Buch\): only 1 of 2 are left to credit"):
            credit(invoice, CreditLine(line.pk, quantity=Decimal(2)))
        credit(invoice, CreditLine(line.pk, quantity=Decimal(1)))
        with pytest.raises(LineNotCredited, match="2 of 2 have been credited"):
            credit(invoice, CreditLine(line.pk, quantity=Decimal(1)))
        assert open_minor(invoice) == 0

    def test_price_that_does_not_divide_is_credited_to_the_cent(self):
        """Three at 3.33 net are 9.99 and 1.90 tax: 11.89, which three do not share evenly."""
        lines = (draft_line("Set", quantity=Decimal(3), unit_price_minor=333),)
        invoice = issue(lines=lines, prices_include_tax=False)
        [line] = invoice.lines.all()
        for _n in range(3):
            credit(invoice, CreditLine(line.pk, quantity=Decimal(1)))
        assert [left.is_used_up for left in left_to_credit(invoice)] == [True]
        assert sum(c.gross_minor for c in invoice.corrections.all()) == -invoice.gross_minor
        assert sum(c.tax_minor for c in invoice.corrections.all()) == -invoice.tax_minor

    @pytest.mark.parametrize("quantity", [None, Decimal(0), Decimal(-1)])
    def test_nothing_is_no_credit(self, quantity):
        invoice = issue(lines=(books(),))
        with pytest.raises(LineNotCredited, match="say how many"):
            credit(invoice, CreditLine(invoice.lines.get().pk, quantity=quantity))

    def test_line_of_another_invoice_is_refused(self):
        invoice, other = issue(lines=(books(),)), issue(lines=(books(),))
        with pytest.raises(CannotCancel, match="does not belong"):
            credit(invoice, CreditLine(other.lines.get().pk, quantity=Decimal(1)))

    def test_line_named_twice_is_refused(self):
        invoice = issue(lines=(books(),))
        one = CreditLine(invoice.lines.get().pk, quantity=Decimal(1))
        with pytest.raises(LineNotCredited, match="twice"):
            credit(invoice, one, one)

    def test_no_line_is_refused(self):
        with pytest.raises(CannotCancel, match="which lines"):
            credit(issue())


@pytest.mark.django_db
class TestPrice:
    def test_reduced_price_leaves_the_goods(self):
        invoice = issue(lines=(books(),))
        [line] = invoice.lines.all()
        correction = credit(invoice, CreditLine(line.pk, gross_minor=500))
        assert (correction.gross_minor, correction.tax_minor) == (-500, -33)
        [left] = left_to_credit(invoice)
        assert (left.quantity, left.amounts.gross) == (Decimal(2), 4460)

    def test_return_after_a_reduction_credits_half_of_what_is_left(self):
        invoice = issue(lines=(books(),))
        [line] = invoice.lines.all()
        credit(invoice, CreditLine(line.pk, gross_minor=500))
        assert credit(invoice, CreditLine(line.pk, quantity=Decimal(1))).gross_minor == -2230

    def test_goods_given_for_nothing_can_still_come_back(self):
        invoice = issue(lines=(books(),))
        [line] = invoice.lines.all()
        credit(invoice, CreditLine(line.pk, gross_minor=4960))
        correction = credit(invoice, CreditLine(line.pk, quantity=Decimal(2), restock=True))
        assert (correction.gross_minor, correction.lines.get().returned) == (0, Decimal(2))

    def test_more_money_than_is_left_is_refused(self):
        invoice = issue(lines=(books(),))
        with pytest.raises(LineNotCredited, match=r"only .*49.60.* are left"):
            credit(invoice, CreditLine(invoice.lines.get().pk, gross_minor=4961))


@pytest.mark.django_db
class TestAccount:
    def test_what_was_paid_above_the_rest_becomes_credit(self):
        invoice = issue(lines=(books(),))
        pay(invoice)
        credit(invoice, CreditLine(invoice.lines.get().pk, quantity=Decimal(1)))
        assert open_minor(invoice) == 0
        assert on_account(invoice) == -2480

    def test_part_payment_covers_the_rest_first(self):
        """49.60, paid 30.00, credited 24.80: 24.80 are owed for, 5.20 are too much."""
        invoice = issue(lines=(books(),))
        pay(invoice, Money(3000, "EUR"))
        credit(invoice, CreditLine(invoice.lines.get().pk, quantity=Decimal(1)))
        assert (open_minor(invoice), on_account(invoice)) == (0, -520)

    def test_credit_after_a_write_off_takes_that_back_and_gives_nobody_money(self):
        invoice = issue(lines=(books(),))
        write_off(document_id=invoice.pk, amount=invoice.gross, reason="goodwill", today=TODAY, limited=False)
        credit(invoice, CreditLine(invoice.lines.get().pk, quantity=Decimal(1)))
        assert (open_minor(invoice), on_account(invoice)) == (0, 0)

    def test_cancelling_the_rest_leaves_nothing_to_credit(self):
        invoice = issue(lines=(books(), draft_line("Kurs")))
        pay(invoice)
        line = invoice.lines.first()
        credit(invoice, CreditLine(line.pk, quantity=Decimal(1)))
        cancellation = cancel_document(
            document_id=invoice.pk, reason="Widerruf", today=LATER, bill_again=False
        )
        assert cancellation.gross_minor == -(2480 + 990)
        assert all(left.is_used_up for left in left_to_credit(invoice))
        assert (open_minor(invoice), on_account(invoice)) == (0, -invoice.gross_minor)
        with pytest.raises(CannotCancel, match="cancelled already"):
            credit(invoice, CreditLine(line.pk, quantity=Decimal(1)))

    def test_invoice_that_was_credited_to_the_end_has_nothing_to_cancel(self):
        invoice = issue(lines=(books(),))
        credit(invoice, CreditLine(invoice.lines.get().pk, quantity=Decimal(2)))
        with pytest.raises(CannotCancel, match="Nothing is left"):
            cancel_document(document_id=invoice.pk, reason="Widerruf", today=LATER)

    def test_cancelling_takes_a_write_off_back(self):
        invoice = issue()
        write_off(document_id=invoice.pk, amount=invoice.gross, reason="goodwill", today=TODAY, limited=False)
        cancel_document(document_id=invoice.pk, reason="Irrtum", today=LATER)
        kinds = dict(invoice.ledger_entries.values_list("kind", "amount_minor").order_by("id"))
        assert kinds == {"invoice": 990, "write_off": 990, "cancellation": -990}
        assert (open_minor(invoice), on_account(invoice)) == (0, 0)


@pytest.mark.django_db
def test_goods_come_back_only_where_the_sale_is_off():
    """Billed again for a wrong address the goods stay where they are."""
    for bill_again, restock in ((True, None), (False, True)):
        invoice = issue(lines=(books(),))
        cancellation = cancel_document(document_id=invoice.pk, reason="?", today=LATER, bill_again=bill_again)
        assert cancellation.lines.get().restock is restock


@pytest.mark.django_db
def test_damaged_goods_of_a_cancelled_sale_stay_out_of_stock():
    invoice = issue(lines=(books(), books()))
    damaged, fine = invoice.lines.all()
    cancellation = cancel_document(
        document_id=invoice.pk, reason="Widerruf", today=LATER, bill_again=False, not_restocked=[damaged.pk]
    )
    assert {line.corrects_line_id: line.restock for line in cancellation.lines.all()} == {
        damaged.pk: False,
        fine.pk: True,
    }


@pytest.mark.django_db
def test_receiver_that_refuses_undoes_the_correction():
    """What a correction brings with it is written with it, or nothing is."""
    invoice = issue(lines=(books(),))

    def refuse(**kwargs):
        raise RuntimeError("no stock record")

    lines_corrected.connect(refuse)
    try:
        with pytest.raises(RuntimeError):
            credit(invoice, CreditLine(invoice.lines.get().pk, quantity=Decimal(1)))
    finally:
        lines_corrected.disconnect(refuse)
    assert not invoice.corrections.exists()
    assert open_minor(invoice) == 4960


@pytest.mark.django_db
def test_credited_bookings_stay_billed():
    booking = BookingFactory()
    [invoice] = issue_next_invoices(issuer=booking.issuer, today=TODAY).done
    credit(invoice, CreditLine(invoice.lines.get().pk, quantity=Decimal(1)))
    assert Booking.objects.get().state == Booking.State.BILLED


amounts = st.integers(0, 10_000_00).flatmap(
    lambda gross: st.integers(0, gross // 4).map(lambda tax: Amounts(gross - tax, tax, gross))
)


@given(amounts, st.integers(1, 40), st.data(), st.booleans())
def test_credits_of_a_line_add_up_to_it_in_every_order(sold, quantity, data, prices_include_tax):
    left = crediting.LineLeft(1, 1, "Buch", Decimal(quantity), Decimal(quantity), sold)
    while not left.is_used_up:
        by_price = left.amounts.gross > 0 and data.draw(st.booleans())
        if by_price or not left.quantity:
            parts = crediting.reduced_price(left, data.draw(st.integers(1, left.amounts.gross)))
        else:
            units = Decimal(data.draw(st.integers(1, int(left.quantity))))
            parts = crediting.returned_units(left, units, prices_include_tax=prices_include_tax)
            assert sum(part.returned for part in parts) == units
        for part in parts:
            price = part.amounts.gross if prices_include_tax else part.amounts.net
            assert part.returned == 0 or price % int(part.quantity) == 0
            left = crediting.LineLeft(
                1, 1, "Buch", left.sold, left.quantity - part.returned, left.amounts - part.amounts
            )
            assert min(left.quantity, left.amounts.net, left.amounts.tax, left.amounts.gross) >= 0
    assert left.amounts == Amounts(0, 0, 0)
