"""Payments, refusals and debits; what they leave of charges."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

from django.db.models import F
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from cms_billing.core.money import Money
from cms_billing.dunning.exceptions import NothingToWaive
from cms_billing.dunning.models import (
    Case,
    ChargesLeft,
)
from cms_billing.dunning.services import (
    close_case,
    note_payment,
    reopen_case,
    review_document,
    waive_charges,
)
from cms_billing.faktura.models import OpenItem
from cms_billing.payments.models import ChargePlan, Payment
from cms_billing.payments.services import charge_back

from ..conftest import pay
from .world import World


class Payments(World):
    """Receivers are told, or die."""

    @precondition(lambda self: OpenItem.objects.filter(open_minor__gt=0).exists())
    @rule(data=st.data(), much=st.sampled_from(["all", "the claim", "half"]), told=st.booleans())
    def money_arrives(self, data: st.DataObject, *, much: str, told: bool) -> None:
        item = self.one_of(data, OpenItem.objects.filter(open_minor__gt=0))
        claim = max(item.open_minor - item.charges_minor, 1)
        part = {"all": item.open_minor, "the claim": claim, "half": max(item.open_minor // 2, 1)}[much]
        pay(item.document, self.today, amount=Money(part, "EUR"))
        item.refresh_from_db()
        if item.open_minor <= item.charges_minor:
            locking = Case.objects.locking().filter(document=item.pk)
            assert not locking.exists(), "paid, and still locked"
        if told:
            self.tell_of_the_payment(item, part)

    def charged(self) -> Any:
        """Claims that are owed with fees or interest on them."""
        return OpenItem.objects.filter(charges_minor__gt=0, open_minor__gt=F("charges_minor"))

    @precondition(lambda self: self.charged().exists())
    @rule(data=st.data(), told=st.booleans())
    def the_claim_itself_is_paid(self, data: st.DataObject, *, told: bool) -> None:
        """To the cent; what becomes of the charges says the procedure, at once or with the next run."""
        item = self.one_of(data, self.charged())
        part = item.open_minor - item.charges_minor
        pay(item.document, self.today, amount=Money(part, "EUR"))
        item.refresh_from_db()
        assert not Case.objects.locking().filter(document=item.pk).exists(), "paid, and still locked"
        if told:
            self.tell_of_the_payment(item, part)
        self.today += timedelta(days=1)
        self.dun()

    def tell_of_the_payment(self, item: OpenItem, part: int) -> None:
        if item.open_minor <= 0:
            close_case(document_id=item.pk, day=self.today)
        else:
            note_payment(document_id=item.pk, day=self.today, amount_minor=part)
            self.check_charges_left(item)
        review_document(document_id=item.pk, today=self.today)

    def check_charges_left(self, item: OpenItem) -> None:
        """What becomes of fees and interest once the claim itself is paid."""
        if item.open_minor > item.charges_minor:
            return
        left = self.terms(item.customer_id).charges_left
        live = Case.objects.live().filter(document=item.pk)
        assert live.exists() is False or left == ChargesLeft.CLAIM, "the claim is paid, and its case goes on"
        charges = item.open_minor
        item.refresh_from_db()
        waived = left == ChargesLeft.WAIVE and Case.objects.filter(document=item.pk).exists()
        assert waived or item.open_minor == charges, "charges were given up that stay"

    @precondition(lambda self: Case.objects.live().exists())
    @rule(data=st.data())
    def charges_are_waived(self, data: st.DataObject) -> None:
        case = self.one_of(data, Case.objects.live())
        with contextlib.suppress(NothingToWaive):
            waive_charges(case_id=case.pk, today=self.today, reason="x")

    @precondition(lambda self: Payment.objects.filter(state="settled").exists())
    @rule(data=st.data(), told=st.booleans())
    def money_goes_back(self, data: st.DataObject, *, told: bool) -> None:
        payment = self.one_of(data, Payment.objects.filter(state="settled"))
        charge_back(payment_id=payment.pk, day=self.today)
        if told:
            for document in payment.allocations.exclude(document=None).values_list("document", flat=True):
                reopen_case(document_id=document, day=self.today)
                review_document(document_id=document, today=self.today)

    @precondition(lambda self: OpenItem.objects.filter(open_minor__gt=0).exists())
    @rule(data=st.data(), again=st.none() | st.integers(1, 12), told=st.booleans())
    def a_charge_is_refused(self, data: st.DataObject, again: int | None, *, told: bool) -> None:
        """With another attempt planned, or none."""
        item = self.one_of(data, OpenItem.objects.filter(open_minor__gt=0))
        values = {
            "next_on": self.today + timedelta(days=again) if again else None,
            "stopped_because": "" if again else "all_attempts",
            "refused_on": self.today,
        }
        ChargePlan.objects.update_or_create(document=item.document, defaults=values)
        if told:
            reopen_case(document_id=item.pk, day=self.today)

    @precondition(lambda self: OpenItem.objects.filter(open_minor__gt=0).exists())
    @rule(data=st.data())
    def a_debit_is_sent(self, data: st.DataObject) -> None:
        item = self.one_of(data, OpenItem.objects.filter(open_minor__gt=0))
        if not Payment.objects.filter(document=item.pk, state="pending").exists():
            Payment.objects.create(
                issuer=self.issuer,
                customer_id=item.customer_id,
                way="provider",
                provider="fake",
                document=item.document,
                amount_minor=item.open_minor,
                currency="EUR",
                state="pending",
            )

    @precondition(lambda self: Payment.objects.filter(state="pending").exists())
    @rule(data=st.data())
    def a_debit_fails(self, data: st.DataObject) -> None:
        payment = self.one_of(data, Payment.objects.filter(state="pending"))
        Payment.objects.filter(pk=payment.pk).update(state="failed")
