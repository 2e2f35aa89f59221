"""What a PaymentIntent, with its charge and disputes, says of the money."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils.translation import gettext as _

from cms_billing.core.money import Money

from ..base import ProviderDown
from ..values import Notice, Status
from .amounts import from_stripe
from .client import Api

# Where Stripe keeps our idempotency key, and for what the payment was made: "charge" or "page".
KEY = "cms_billing_key"
MADE_FOR = "cms_billing_for"
ON_A_PAGE = "page"

# The method itself is dead. https://docs.stripe.com/declines/codes, https://docs.stripe.com/declines/network-codes
DEAD = {
    "account_closed",
    "account_invalid",
    "card_not_supported",
    "debit_not_authorized",
    "fraudulent",
    "invalid_account",
    "lost_card",
    "merchant_blacklist",
    "no_account",
    "payment_intent_mandate_invalid",
    "pickup_card",
    "restricted_card",
    "revocation_of_all_authorizations",
    "revocation_of_authorization",
    "stolen_card",
    "stop_payment_order",
}
NEVER_AGAIN = {"do_not_try_again", "MAC-03", "MAC-21"}

# Disputes whose money is gone. Inquiries (warning_…) and prevented ones have taken none, won ones have given it back.
MONEY_IS_GONE = {"needs_response", "under_review", "lost", "appeal_needs_response", "appeal_under_review"}


def at(thing: Any, *path: str) -> Any:
    """``thing.a.b.c``, or None where one of them is missing: Stripe's objects are no dicts."""
    for name in path:
        thing = getattr(thing, name, None)
        if thing is None:
            return None
    return thing


def id_of(thing: Any) -> str:
    """Of an object that may be expanded or not."""
    return thing if isinstance(thing, str) else (at(thing, "id") or "")


def key_of(thing: Any) -> uuid.UUID | None:
    """Our idempotency key in its metadata; None for what somebody else made."""
    try:
        return uuid.UUID(at(thing, "metadata", KEY) or "")
    except ValueError:
        return None


def notice_of(api: Api, intent: Any) -> Notice:
    """``latest_charge`` has to be expanded. Raises ProviderDown for a status that Stripe did not have before."""
    match intent.status:
        case "succeeded":
            return _of_money_that_came(api, intent)
        case "processing":
            return _notice(intent, Status.PENDING)
        case "requires_action" | "requires_confirmation" if at(intent, "metadata", MADE_FOR) == ON_A_PAGE:
            return _notice(intent, Status.PENDING)
        case "requires_payment_method" | "requires_action" | "requires_confirmation" | "canceled":
            return failure_of(intent, at(intent, "last_payment_error"))
    raise ProviderDown(
        _("Stripe says “%(status)s” of payment %(reference)s, which billing does not know.")
        % {"status": intent.status, "reference": intent.id}
    )


def _of_money_that_came(api: Api, intent: Any) -> Notice:
    charge = intent.latest_charge
    refunded = from_stripe(at(charge, "amount_refunded") or 0, intent.currency)
    if not at(charge, "disputed"):
        return _notice(intent, Status.SETTLED, refunded=refunded)
    disputes = list(api.read_all(lambda v1: v1.disputes.list({"payment_intent": intent.id, "limit": 100})))
    gone = sum(_gone(dispute) for dispute in disputes)
    if gone <= 0:
        return _notice(intent, Status.SETTLED, refunded=refunded)
    latest = disputes[0]
    return _notice(
        intent,
        Status.CHARGED_BACK,
        refunded=refunded,
        charged_back=from_stripe(min(gone, intent.amount), intent.currency),
        reason=latest.reason,
        code=at(latest, "network_reason_code") or latest.reason,
    )


def _gone(dispute: Any) -> int:
    """What a dispute has taken and not given back, by Stripe's bookings where they are in the payment's currency."""
    bookings = at(dispute, "balance_transactions") or []
    if bookings and all(booking.currency == dispute.currency for booking in bookings):
        return -sum(booking.amount for booking in bookings)
    return dispute.amount if dispute.status in MONEY_IS_GONE else 0


def failure_of(intent: Any, error: Any) -> Notice:
    """``error`` is Stripe's, of the answer or of the intent; None where the bank told the charge only."""
    charge = at(intent, "latest_charge")
    code = (
        at(error, "decline_code")
        or at(charge, "failure_code")
        or at(error, "code")
        or at(intent, "cancellation_reason")
        or ("authentication_required" if intent.status == "requires_action" else "")
    )
    advice = at(error, "advice_code") or _network_advice(error)
    reason = at(error, "message") or at(charge, "failure_message") or code
    is_dead = code in DEAD or advice in NEVER_AGAIN
    return _notice(intent, Status.FAILED, reason=reason, code=code, advice=advice, final=is_dead)


def _network_advice(error: Any) -> str:
    code = at(error, "network_advice_code")
    return f"MAC-{code}" if code else ""


def _notice(
    intent: Any,
    status: Status,
    *,
    reason: str = "",
    code: str = "",
    advice: str = "",
    final: bool = False,
    refunded: Money | None = None,
    charged_back: Money | None = None,
) -> Notice:
    return Notice(
        reference=intent.id,
        status=status,
        reason=reason,
        idempotency_key=key_of(intent),
        final=final,
        charged_back=charged_back,
        refunded=refunded,
        code=code,
        advice=advice,
    )
