"""What happens after the answer: by itself as time passes, or at once where a test wants it."""

from __future__ import annotations

from django.db import transaction

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.payments.providers.adyen.amounts import to_adyen

from ...models import VendorObject
from . import books
from .news import tell_item, tell_token


@transaction.atomic
def let_time_pass() -> None:
    """Settle, return and dispute what is due by today; the webhooks about it wait to be delivered."""
    due = VendorObject.objects.select_for_update().filter(
        vendor="adyen", kind="payment", acts_on__lte=clock.today()
    )
    for payment in due.order_by("acts_on", "pk"):
        act, payment.act, payment.acts_on = payment.act, "", None
        payment.save(update_fields=["act", "acts_on"])
        _ACTS[act](payment)


def _return(payment: VendorObject) -> None:
    """A debit that the payer's bank sends back had been authorised."""
    books.authorise(payment)
    _charge_back(payment, payment.data["amount"]["value"], reason="AM04:InsufficientFunds", code="AM04")


def _dispute(payment: VendorObject) -> None:
    _charge_back(payment, payment.data["amount"]["value"], reason="Other Fraud-Card Absent", code="10.4")


_ACTS = {"settle": books.authorise, "return": _return, "dispute": _dispute}


def _charge_back(payment: VendorObject, value: int, *, reason: str, code: str) -> None:
    dispute = VendorObject.objects.filter(
        vendor="adyen", kind="dispute", parent_id=payment.object_id
    ).first() or VendorObject.objects.create(
        vendor="adyen",
        account=payment.account,
        kind="dispute",
        object_id=books.psp_reference(),
        parent_id=payment.object_id,
        data=payment.data | {"refunded": 0},
    )
    event = "SECOND_CHARGEBACK" if dispute.data.get("isReversed") else "CHARGEBACK"
    dispute.data |= {"amount": {**payment.data["amount"], "value": value}}
    dispute.save()
    more = {"chargebackReasonCode": code, "disputeStatus": "Undefended"}
    tell_item(dispute, event, original=payment.object_id, reason=reason, more=more)


@transaction.atomic
def charge_back_now(reference: str, amount: Money | None = None) -> None:
    """The payer's bank takes all of a payment back, or ``amount``; after a dispute that was won, once more."""
    payment = _payment(reference)
    value = payment.data["amount"]["value"] if amount is None else to_adyen(amount)["value"]
    _charge_back(payment, value, reason="Other Fraud-Card Absent", code="10.4")


@transaction.atomic
def win_dispute(reference: str) -> None:
    """The money of a payment that was charged back is ours again, so far."""
    dispute = VendorObject.objects.get(vendor="adyen", kind="dispute", parent_id=reference)
    event = "PREARBITRATION_WON" if dispute.data.get("isReversed") else "CHARGEBACK_REVERSED"
    dispute.data |= {"isReversed": True}
    dispute.save()
    tell_item(dispute, event, original=reference)


@transaction.atomic
def settle_now(reference: str) -> None:
    """Also after it had been refused: some methods do that."""
    payment = _payment(reference)
    payment.act, payment.acts_on = "", None
    books.authorise(payment)


@transaction.atomic
def fail_now(reference: str) -> None:
    payment = _payment(reference)
    payment.act, payment.acts_on = "", None
    books.refuse(payment)


@transaction.atomic
def fail_capture_now(reference: str) -> None:
    """The scheme rejects the capture of a payment that had been authorised."""
    tell_item(
        _payment(reference),
        "CAPTURE_FAILED",
        psp=books.psp_reference(),
        original=reference,
        reason="Capture Failed",
    )


@transaction.atomic
def fail_refund_now(reference: str) -> None:
    """The bank sends a refund back that had been paid."""
    refund = VendorObject.objects.select_for_update().get(vendor="adyen", kind="refund", object_id=reference)
    payment = _payment(refund.parent_id)
    payment.data["refunded"] -= refund.data["amount"]["value"]
    payment.save(update_fields=["data"])
    tell_item(refund, "REFUND_FAILED", original=refund.parent_id, reason="Account closed")


@transaction.atomic
def revoke_method(reference: str) -> None:
    """A stored method is gone: its owner or their bank wanted it, or we did."""
    token = VendorObject.objects.select_for_update().get(vendor="adyen", kind="token", object_id=reference)
    tell_token(token, "disabled", because_of=books.psp_reference())
    token.kind = "deleted token"
    token.save(update_fields=["kind"])


def _payment(reference: str) -> VendorObject:
    return VendorObject.objects.select_for_update().get(vendor="adyen", kind="payment", object_id=reference)
