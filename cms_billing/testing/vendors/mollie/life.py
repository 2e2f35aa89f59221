"""What becomes of payments: on the page, without the payer, and as time passes."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from cms_billing.core import clock
from cms_billing.core.money import Money

from ...models import VendorObject
from ..behaviours import Behaviour, Course, Result, first_course, repeated_course
from .books import VENDOR, act_later, amount, by_id, change, children, enter, money_in, now_text
from .news import tell_of

_CARD_NUMBERS = {
    Behaviour.GOOD_CARD: "4242",
    Behaviour.REFUSED_CARD: "0002",
    Behaviour.CAREFUL_CARD: "3155",
    Behaviour.DISPUTED_CARD: "0259",
    Behaviour.EMPTY_CARD: "9995",
    Behaviour.STOLEN_CARD: "9979",
}
_ACCOUNTS = {
    Behaviour.GOOD_ACCOUNT: "DE89370400440532013000",
    Behaviour.EMPTY_ACCOUNT: "DE62370400440532013001",
}
_REFUSALS = {
    Result.DECLINED: "card_declined",
    Result.NOT_ENOUGH_MONEY: "insufficient_funds",
    Result.STOLEN: "possible_fraud",
}
_RETURN = {"bankReasonCode": "AM04", "bankReason": "Insufficient funds"}
_DISPUTE = {"code": "MD06", "description": "Return of funds requested by end customer"}


# -- on the page, and without it ---------------------------------------------------------------------------------------


def pay(payment: VendorObject, behaviour: Behaviour) -> None:
    """The payer chose a card or account on the page.

    A payment from the bank account is an iDEAL payment: the account that is short of money pays this one, and its
    later direct debits come back. The other bank is slow and answers days later, mandate included.
    """
    course = first_course(behaviour)
    if behaviour is Behaviour.EMPTY_ACCOUNT:
        course = Course(Result.PAID)
    payment.hidden = {**payment.hidden, "behaviour": behaviour.value}
    change(payment, method="creditcard" if behaviour.is_card else "ideal", isCancelable=False)
    if payment.data["sequenceType"] == "first":
        mandate = _make_mandate(payment, behaviour)
        change(payment, mandateId=mandate.object_id)
    _take(payment, course, _details(behaviour))


def charge(payment: VendorObject, mandate: VendorObject) -> None:
    """Without the payer, as the mandate's card or account behaves. Cards answer at once, banks days later."""
    behaviour = Behaviour(mandate.hidden["behaviour"])
    _take(payment, repeated_course(behaviour), _details(behaviour))


def _take(payment: VendorObject, course: Course, details: dict[str, Any]) -> None:
    _clear(payment)
    change(payment, details=details)
    if course.is_refusal:
        _fail(payment, {"failureReason": _REFUSALS[course.result], "failureMessage": course.result.value})
    elif course.days:
        change(payment, status="pending")
        act_later(payment, "settle" if course.result is Result.PAID_LATER else "return", course.days)
    else:
        _settle(payment)
        if course.disputed_after is not None:
            act_later(payment, "dispute", course.disputed_after)


def cancel(payment: VendorObject) -> None:
    """A first payment that was cancelled leaves a pending mandate behind, as Mollie's does."""
    _clear(payment)
    if payment.data["sequenceType"] == "first":
        _make_mandate(payment, Behaviour.GOOD_CARD)
    change(payment, status="canceled", canceledAt=now_text(), isCancelable=False)
    tell_of(payment, "payment.canceled")


def _make_mandate(payment: VendorObject, behaviour: Behaviour) -> VendorObject:
    details = _details(behaviour)
    names = (
        ("cardHolder", "cardNumber", "cardLabel", "cardFingerprint", "cardExpiryDate")
        if behaviour.is_card
        else ("consumerName", "consumerAccount", "consumerBic")
    )
    data = {
        "mode": payment.data["mode"],
        "status": "pending",
        "method": "creditcard" if behaviour.is_card else "directdebit",
        "details": {name: details[name] for name in names},
        "customerId": payment.data["customerId"],
        "mandateReference": "" if behaviour.is_card else f"SD-{payment.object_id[3:11].upper()}",
        "signatureDate": clock.today().isoformat(),
    }
    hidden = {"behaviour": behaviour.value}
    return enter("mandate", data, account=payment.account, parent=payment.data["customerId"], hidden=hidden)


def _details(behaviour: Behaviour) -> dict[str, Any]:
    if behaviour.is_card:
        return {
            "cardHolder": "T. TEST",
            "cardNumber": _CARD_NUMBERS[behaviour],
            "cardLabel": "Visa",
            "cardFingerprint": f"fp{behaviour.value.replace('-', '')}",
            "cardExpiryDate": f"{clock.today().year + 2}-12-31",
        }
    return {
        "consumerName": "T. Test",
        "consumerAccount": _ACCOUNTS[behaviour],
        "consumerBic": "COBADEFFXXX",
    }


# -- states ------------------------------------------------------------------------------------------------------------


def _settle(payment: VendorObject) -> None:
    money = money_in(payment.data)
    change(
        payment,
        status="paid",
        paidAt=now_text(),
        failedAt=None,
        amountRefunded=amount(Money.zero(money.currency)),
        amountRemaining=amount(money),
    )
    _finish_mandate(payment, "valid")
    tell_of(payment, "payment.paid")


def _fail(payment: VendorObject, why: dict[str, str]) -> None:
    change(
        payment,
        status="failed",
        failedAt=now_text(),
        isCancelable=False,
        details={**(payment.data["details"] or {}), **why},
    )
    _finish_mandate(payment, "invalid")
    tell_of(payment, "payment.failed")


def _finish_mandate(payment: VendorObject, status: str) -> None:
    if payment.data["sequenceType"] != "first" or not payment.data.get("mandateId"):
        return
    change(by_id(payment.data["mandateId"]), status=status)


def _clear(row: VendorObject) -> None:
    row.act, row.acts_on = "", None


def count_refunds(payment: VendorObject) -> None:
    """What went out, and what is left to be paid back."""
    going = [
        row
        for row in children("refund", payment.object_id)
        if row.data["status"] not in ("failed", "canceled")
    ]
    whole = money_in(payment.data)
    sum_of = Money(sum(money_in(row.data).minor for row in going), whole.currency)
    left = Money(max(0, whole.minor - sum_of.minor - _gone(payment).minor), whole.currency)
    change(payment, amountRefunded=amount(sum_of), amountRemaining=amount(left))


# -- time --------------------------------------------------------------------------------------------------------------


def let_time_pass() -> None:
    """Do what is due by today."""
    with transaction.atomic():
        due = VendorObject.objects.select_for_update().filter(vendor=VENDOR, acts_on__lte=clock.today())
        for row in due.order_by("acts_on", "pk"):
            after_time(row)


def after_time(row: VendorObject) -> VendorObject:
    if row.acts_on is None or row.acts_on > clock.today():
        return row
    act = row.act
    _clear(row)
    row.save(update_fields=["act", "acts_on"])
    _ACTS[act](row)
    return row


def _expire(payment: VendorObject) -> None:
    change(payment, status="expired", expiredAt=now_text(), isCancelable=False)
    tell_of(payment, "payment.expired")


def _return(payment: VendorObject) -> None:
    _fail(payment, _RETURN)


def _dispute(payment: VendorObject, money: Money | None = None) -> None:
    money = money or money_in(payment.data) - _gone(payment)
    data = {
        "amount": amount(money),
        "settlementAmount": amount(money, sign=-1),
        "reason": _DISPUTE,
        "reversedAt": None,
        "paymentId": payment.object_id,
        "mode": payment.data["mode"],
    }
    row = enter("chargeback", data, account=payment.account, parent=payment.object_id)
    change(payment, amountChargedBack=amount(_gone(payment)))
    count_refunds(payment)
    tell_of(payment, "chargeback.received", entity=row)


def _gone(payment: VendorObject) -> Money:
    rows = children("chargeback", payment.object_id)
    total = sum(money_in(row.data).minor for row in rows if not row.data.get("reversedAt"))
    return Money(total, payment.data["amount"]["currency"])


def _pay_back(refund: VendorObject) -> None:
    change(refund, status="refunded")
    tell_of(by_id(refund.parent_id), "refund.refunded", entity=refund)


_ACTS = {
    "settle": _settle,
    "return": _return,
    "dispute": _dispute,
    "expire": _expire,
    "pay_back": _pay_back,
}


# -- for tests ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def charge_back_now(reference: str, amount: Money | None = None) -> None:
    """The payer's bank takes money back: all that is left, or ``amount`` more."""
    _dispute(by_id(reference), amount)


@transaction.atomic
def win_dispute(reference: str) -> None:
    """Every chargeback of the payment is decided for us. What was charged back in all stays told as it was."""
    payment = by_id(reference)
    for row in children("chargeback", reference):
        change(row, reversedAt=now_text())
        count_refunds(payment)
        tell_of(payment, "chargeback.reversed", entity=row)


@transaction.atomic
def settle_now(reference: str) -> None:
    """Also after it had failed: some methods do that."""
    payment = by_id(reference)
    _clear(payment)
    _settle(payment)


@transaction.atomic
def fail_now(reference: str) -> None:
    payment = by_id(reference)
    _clear(payment)
    _fail(payment, _RETURN)


@transaction.atomic
def fail_refund_now(reference: str) -> None:
    """Also one that had been paid: the bank sent it back."""
    refund = by_id(reference)
    _clear(refund)
    change(refund, status="failed")
    payment = by_id(refund.parent_id)
    count_refunds(payment)
    tell_of(payment, "refund.failed", entity=refund)


@transaction.atomic
def revoke_method(reference: str) -> None:
    """The payer's bank or the payer revokes a mandate; ``reference`` is ours, "cst_…/mdt_…". Mollie tells nobody."""
    change(by_id(reference.partition("/")[2]), status="invalid")
