"""Whatever is shipped, credited and cancelled in whatever order: every book is somewhere, and it was sold once."""

from dataclasses import dataclass, field
from datetime import date

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.faktura.services import cancel_document, credit_document
from cms_billing.testing.factories import IssuerFactory

from .orders import MARCH, invoice_of, place, ship, stock_of, units_of
from .shop import book, germany, partner_of

TODAY = date(2026, 3, 20)
STOCK = 10
TITLES = ("Lieder", "Griffe")


@dataclass
class Copies:
    """Where the copies of one title are; the reference the shop is held against."""

    reserved: int
    with_customer: int = 0
    destroyed: int = 0
    left: int = field(init=False)

    def __post_init__(self):
        self.left = self.reserved

    @property
    def in_stock(self):
        return STOCK - self.with_customer - self.destroyed

    def ship(self, count):
        self.reserved -= count
        self.with_customer += count

    def take_back(self, count, *, restock):
        for _copy in range(count):
            self.left -= 1
            if self.reserved:
                self.reserved -= 1
                self.destroyed += 0 if restock else 1
            elif restock:
                self.with_customer -= 1
            else:
                # It is in the house again, but nobody can sell it: for the stock it is as far away as before.
                self.with_customer -= 1
                self.destroyed += 1


steps = st.one_of(
    st.tuples(st.just("ship"), st.integers(0, 1), st.integers(1, 3)),
    st.tuples(st.just("credit"), st.integers(0, 1), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("credit both"), st.integers(1, 2), st.integers(1, 2), st.booleans()),
    st.tuples(st.just("cancel")),
)


@pytest.mark.django_db
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.sampled_from(["24.80", "10.01"]),
    st.lists(steps, max_size=8),
)
def test_every_copy_is_somewhere(quantities, price, sequence):
    with clock.frozen(MARCH), transaction.atomic():
        walk(quantities, price, sequence)
        transaction.set_rollback(True)


def walk(quantities, price, sequence):
    germany()
    partner = partner_of(IssuerFactory())
    products = [book(partner, title=title, price=price, stock=STOCK) for title in TITLES]
    order = place(dict(zip(products, quantities, strict=True)))
    invoice = invoice_of(order)
    copies = [Copies(quantity) for quantity in quantities]
    cancelled = False
    for step in sequence:
        cancelled = carry_out(step, order, invoice, copies, cancelled)
        found = [stock_of(product) for product in products]
        assert found == [(one.in_stock, one.reserved) for one in copies]
        assert [line.num_allocated for line in order.lines.order_by("pk")] == [one.reserved for one in copies]


def carry_out(step, order, invoice, copies, cancelled):
    match step:
        case ("ship", index, count):
            counts = [0, 0]
            counts[index] = min(count, copies[index].reserved)
            copies[index].ship(counts[index])
            ship(order, *counts)
        case ("credit", index, count, restock):
            counts = [0, 0]
            counts[index] = count
            credit(invoice, counts, copies, restock, cancelled)
        case ("credit both", first, second, restock):
            credit(invoice, [first, second], copies, restock, cancelled)
        case ("cancel",):
            return cancel(invoice, copies, cancelled)
    return cancelled


def credit(invoice, counts, copies, restock, cancelled):
    """Refused as a whole where one title has not so many left."""
    wanted = dict(zip(TITLES, counts, strict=True))
    lines = units_of(invoice, wanted, restock=restock)
    if cancelled or any(count > one.left for count, one in zip(counts, copies, strict=True)):
        with pytest.raises(BillingError), transaction.atomic():
            credit_document(document_id=invoice.pk, lines=lines, reason="Retoure", today=TODAY)
        return
    credit_document(document_id=invoice.pk, lines=lines, reason="Retoure", today=TODAY)
    for count, one in zip(counts, copies, strict=True):
        one.take_back(count, restock=restock)


def cancel(invoice, copies, cancelled):
    if cancelled or not any(one.left for one in copies):
        with pytest.raises(BillingError), transaction.atomic():
            cancel_document(document_id=invoice.pk, reason="Widerruf", today=TODAY, bill_again=False)
        return cancelled
    cancel_document(document_id=invoice.pk, reason="Widerruf", today=TODAY, bill_again=False)
    for one in copies:
        one.take_back(one.left, restock=True)
    return True
