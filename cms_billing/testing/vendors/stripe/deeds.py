"""What tests and the sandbox do at Stripe by hand, and what time does. References are PaymentIntents' ids."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.payments.providers.stripe.amounts import to_stripe

from ...models import VendorObject
from ..behaviours import Behaviour
from . import books, checkout, intents, methods, money, payouts, refunds
from .books import VENDOR
from .events import announce


@transaction.atomic
def new_customer(account: str = "main", **facts: Any) -> str:
    return methods.create_customer(facts, account=account)["id"]


@transaction.atomic
def store_method(behaviour: Behaviour, *, customer: str, account: str = "main") -> str:
    """A card or account that is stored already; returns the reference of the method."""
    method = methods.store_method(behaviour, account=account, customer=customer)
    methods.set_up(method)
    return method.object_id


@transaction.atomic
def pay_page(reference: str, behaviour: Behaviour, *, kind: str = "") -> str:
    """A payer's choice on the page; returns where Stripe sends them."""
    return checkout.pay(reference, behaviour, kind=kind)


@transaction.atomic
def charge_back_now(reference: str, amount: Money | None = None) -> str:
    gone = to_stripe(amount) if amount is not None else None
    return money.dispute(_charge_of(reference), amount=gone).object_id


@transaction.atomic
def win_dispute(reference: str) -> None:
    """All disputes of a payment that are open."""
    for row in VendorObject.objects.filter(vendor=VENDOR, kind="dispute", parent_id=reference):
        if row.data["status"] != "won":
            money.win(row)


@transaction.atomic
def settle_now(reference: str) -> None:
    finish_payment(_intent(reference), returned=False)


@transaction.atomic
def fail_now(reference: str) -> None:
    finish_payment(_intent(reference), returned=True)


@transaction.atomic
def revoke_method(reference: str) -> None:
    """The bank cancels the mandate; a card is taken away at the dashboard."""
    method = books.find("payment_method", reference)
    mandate = methods.mandate_of(method) if method else None
    if mandate is not None:
        books.change(mandate, status="inactive")
        announce("mandate.updated", mandate)
    elif method is not None:
        methods.detach(reference, account=method.account)


@transaction.atomic
def refund_at_dashboard(reference: str, amount: Money) -> str:
    intent = _intent(reference)
    form = {"payment_intent": reference, "amount": to_stripe(amount)}
    return refunds.create(form, account=intent.account)["id"]


@transaction.atomic
def fail_refund_now(reference: str) -> None:
    refunds.fail(books.find("refund", reference))


@transaction.atomic
def make_payout(day: date, *, account: str = "main") -> str:
    payout = payouts.make_payout(account=account, day=day)
    return payout.object_id if payout else ""


@transaction.atomic
def let_time_pass() -> None:
    due = VendorObject.objects.select_for_update().filter(
        vendor=VENDOR, acts_on__isnull=False, acts_on__lte=clock.today()
    )
    for row in due.order_by("acts_on", "id"):
        _happen(row)


def _happen(row: VendorObject) -> None:
    match row.kind:
        case "payment_intent":
            finish_payment(row, returned=row.act == "returned later")
        case "charge":
            row.act, row.acts_on = "", None
            row.save(update_fields=["act", "acts_on"])
            # A charge is disputed once: the payer may have been faster.
            if not row.data["disputed"]:
                money.dispute(row)
        case "refund":
            refunds.finish(row)
        case checkout.KIND:
            checkout.expire_if_over(row)


def finish_payment(intent: VendorObject, *, returned: bool) -> None:
    was_processing = intent.data["status"] == "processing"
    intents.finish(intent, returned=returned)
    if was_processing:
        checkout.tell_of_late_outcome(intent)


def _intent(reference: str) -> VendorObject:
    found = books.find("payment_intent", reference)
    if found is None:
        raise LookupError(f"Stripe's stand-in has no payment {reference}.")
    return found


def _charge_of(reference: str) -> VendorObject:
    return books.find("charge", _intent(reference).data["latest_charge"])
