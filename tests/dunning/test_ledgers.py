"""Random ledgers: open items, their charges and the parts of a document always are what the entries add up to."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cms_billing.core.money import Money
from cms_billing.dunning.breakdowns import breakdown
from cms_billing.faktura.models import LedgerEntry, OpenItem
from cms_billing.faktura.services import Entry, Fee, post_entries, post_fees
from cms_billing.faktura.verification import ledger_findings

from .conftest import invoice_due

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

KIND = LedgerEntry.Kind
DUE = date(2026, 1, 15)
# What raises and what lowers; a fee or interest can be taken off again.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [KIND.PAYMENT, KIND.CHARGEBACK, KIND.FEE, KIND.INTEREST, KIND.CREDIT, KIND.WRITE_OFF, KIND.TRANSFER]
        ),
        st.integers(-5000, 5000).filter(bool),
        st.integers(0, 30),
        st.booleans(),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_charges_and_parts_equal_the_ledger(issuer, customer, steps) -> None:
    with transaction.atomic():
        invoice = invoice_due(customer, DUE, amount=10000)
        for kind, minor, days, by_letter in steps:
            day, amount = DUE + timedelta(days=days), Money(minor, "EUR")
            if by_letter and kind in LedgerEntry.CHARGES:
                fee = Fee(customer.pk, invoice.pk, amount, kind=kind)
                post_fees(issuer_id=issuer.pk, fees=[fee], booked_on=day)
            else:
                entry = Entry(kind, amount, invoice.pk)
                post_entries(issuer_id=issuer.pk, customer_id=customer.pk, entries=[entry], booked_on=day)

        item = OpenItem.objects.get(pk=invoice.pk)
        parts = breakdown([invoice.pk])[invoice.pk]
        charged = LedgerEntry.objects.filter(document=invoice, kind__in=LedgerEntry.CHARGES)
        assert item.charges_minor == sum(charged.values_list("amount_minor", flat=True)) == parts.charges
        assert item.open_minor == parts.open_minor
        assert parts.principal - parts.credits + parts.charges - parts.payments == item.open_minor
        assert list(ledger_findings(issuer)) == []
        transaction.set_rollback(True)


def test_verification_names_charges_that_differ_from_the_ledger(issuer, customer) -> None:
    invoice = invoice_due(customer, DUE)
    OpenItem.objects.filter(pk=invoice.pk).update(charges_minor=250)

    (finding,) = ledger_findings(issuer)
    assert invoice.number in finding
    assert "charges" in finding
