"""What Stripe refuses for good, in plain words."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cms_billing.core.exceptions import PermanentFailure

# https://docs.stripe.com/error-codes
_WHY: dict[str, str | Promise] = {
    "amount_too_small": gettext_lazy("The amount is below the least that Stripe collects in this currency."),
    "amount_too_large": gettext_lazy("The amount is above the most that Stripe collects at once."),
    "invalid_charge_amount": gettext_lazy("Stripe cannot collect this amount."),
    "payment_method_unactivated": gettext_lazy(
        "This kind of payment method is not switched on in Stripe's dashboard (Settings, Payment methods)."
    ),
    "payment_method_unsupported_type": gettext_lazy("Stripe cannot use this kind of payment method here."),
    "payment_method_currency_mismatch": gettext_lazy("The payment method does not work in this currency."),
    "payment_intent_incompatible_payment_method": gettext_lazy(
        "The payment method does not work for this amount and currency, or is not switched on in Stripe's dashboard."
    ),
    "charge_already_refunded": gettext_lazy("All of the payment has been paid back already."),
    "charge_disputed": gettext_lazy("The payment was charged back: Stripe pays nothing back on top of that."),
    "refund_disputed_payment": gettext_lazy(
        "The payment was charged back: Stripe pays nothing back on top of that."
    ),
    "charge_not_refundable": gettext_lazy("Stripe can no longer pay this payment back."),
    "balance_insufficient": gettext_lazy(
        "The Stripe account has too little money to pay back. Top it up or wait for the next payments."
    ),
}


def not_possible(error: Any) -> PermanentFailure:
    """``error`` is a request that Stripe will not carry out as it stands. Its own words follow ours."""
    told = error.user_message or error.code or f"HTTP {error.http_status}"
    why = _WHY.get(error.code or "")
    if why is None and "currency" in (error.param or ""):
        why = gettext_lazy("The Stripe account does not take this currency.")
    text = _("%(why)s Stripe says: %(told)s") % {"why": why, "told": told} if why else None
    return PermanentFailure(text or _("Stripe does not accept the request: %(told)s") % {"told": told})
