"""PaymentIntents: charges without the payer, and what became of them."""

from __future__ import annotations

from typing import Any

from ...models import VendorObject
from ..behaviours import Behaviour, Course, Result, repeated_course
from . import books, methods, money
from .books import Refused
from .events import announce
from .forms import flag, number

# The least that Stripe collects, in smallest units: https://docs.stripe.com/currencies
LEAST = {"eur": 50, "usd": 50, "chf": 50, "gbp": 30, "jpy": 50, "kwd": 150, "isk": 7000}
MOST = 99_999_999
_ERRORS = {
    Result.DECLINED: ("card_declined", "generic_decline", "try_again_later", "Your card was declined."),
    Result.NOT_ENOUGH_MONEY: (
        "card_declined",
        "insufficient_funds",
        "try_again_later",
        "Your card has insufficient funds.",
    ),
    Result.STOLEN: ("card_declined", "stolen_card", "do_not_try_again", "Your card was declined."),
}


def check_amount(amount: int, currency: str) -> None:
    if currency not in LEAST:
        raise Refused(400, f"Invalid currency: {currency}.", param="currency")
    if amount < LEAST[currency]:
        told = f"Amount must be at least {LEAST[currency]} {currency}"
        raise Refused(400, told, code="amount_too_small", param="amount")
    if amount > MOST:
        told = f"Amount must be no more than {MOST} {currency}"
        raise Refused(400, told, code="amount_too_large", param="amount")


def refuse_old_parameters(form: dict[str, Any]) -> None:
    if "payment_method_types" in form:
        told = "`payment_method_types` is no longer supported. Use `allowed_payment_method_types`."
        raise Refused(
            400, told, code="payment_method_types_no_longer_supported", param="payment_method_types"
        )


def new_intent(form: dict[str, Any], *, account: str) -> VendorObject:
    data = {
        "amount": number(form["amount"]),
        "amount_received": 0,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": None,
        "currency": form["currency"],
        "customer": form.get("customer"),
        "description": form.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "metadata": form.get("metadata") or {},
        "next_action": None,
        "payment_method": None,
        "payment_method_types": ["card", "sepa_debit", "link"],
        "setup_future_usage": form.get("setup_future_usage"),
        "status": "requires_payment_method",
    }
    return books.enter("payment_intent", data, account=account, parent=form.get("customer") or "")


def create(form: dict[str, Any], *, account: str) -> dict[str, Any]:
    refuse_old_parameters(form)
    check_amount(number(form.get("amount")), form.get("currency", ""))
    if not flag(form.get("confirm")) or not flag(form.get("off_session")):
        raise Refused(400, "This stand-in confirms payments without the payer only.", param="confirm")
    if not form.get("return_url"):
        told = "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. "
        raise Refused(400, told + "You must provide a `return_url`.", param="return_url")
    method = _method(form, account=account)
    intent = new_intent(form, account=account)
    course = repeated_course(method.hidden["behaviour"])
    error = run(intent, method, course)
    if error is not None:
        raise Refused(402, error["message"], **_as_answered(error, intent))
    return intent.data


def _method(form: dict[str, Any], *, account: str) -> VendorObject:
    customer = form.get("customer")
    if customer:
        books.must_find("customer", customer, account=account, param="customer", status=400)
    method = books.find("payment_method", form.get("payment_method", ""), account=account)
    if method is None:
        told = f"No such PaymentMethod: '{form.get('payment_method')}'"
        raise Refused(400, told, code="resource_missing", param="payment_method")
    if not method.data["customer"]:
        raise Refused(
            400,
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, "
            "shared with a connected account without Customer attachment, or was detached from a Customer. "
            "It may not be used again.",
        )
    if method.data["customer"] != customer:
        raise Refused(400, "The provided PaymentMethod cannot be attached: it belongs to another Customer.")
    if methods.is_revoked(method):
        told = "The mandate is invalid and can not be used for the payment intent."
        raise Refused(400, told, code="payment_intent_mandate_invalid")
    return method


def run(intent: VendorObject, method: VendorObject, course: Course) -> dict[str, Any] | None:
    """One attempt; returns Stripe's error where it was refused at once."""
    mandate = methods.mandate_of(method)
    charge = money.charge_for(intent, method, mandate=mandate.object_id if mandate else None)
    if course.is_refusal:
        error = _error(course.result, method)
        money.fail(intent, charge, error)
        return error
    if course.days:
        books.change(intent, status="processing")
        books.let_happen(intent, course.result.value, days=course.days)
        announce("payment_intent.processing", intent)
        return None
    money.succeed(intent, charge)
    if course.disputed_after is not None:
        books.let_happen(charge, "dispute", days=course.disputed_after)
    return None


def _error(result: Result, method: VendorObject) -> dict[str, Any]:
    code, decline_code, advice, message = _ERRORS[result]
    return {
        "type": "card_error",
        "code": code,
        "decline_code": decline_code,
        "advice_code": advice,
        "message": message,
        "payment_method": method.data,
    }


def _as_answered(error: dict[str, Any], intent: VendorObject) -> dict[str, Any]:
    answered = {key: value for key, value in error.items() if key != "message"}
    return {**answered, "charge": intent.data["latest_charge"], "payment_intent": intent.data}


def finish(intent: VendorObject, *, returned: bool) -> None:
    """A direct debit's days are over."""
    intent.act, intent.acts_on = "", None
    intent.save(update_fields=["act", "acts_on"])
    charge = books.find("charge", intent.data["latest_charge"])
    if intent.data["status"] != "processing" or charge is None:
        return
    if not returned:
        money.succeed(intent, charge)
        return
    told = "The transaction can't be processed because your customer's account has insufficient funds."
    error = {"type": "invalid_request_error", "code": "insufficient_funds", "message": told}
    money.fail(intent, charge, error)


def behaviour_of(method: VendorObject) -> Behaviour:
    return Behaviour(method.hidden["behaviour"])
