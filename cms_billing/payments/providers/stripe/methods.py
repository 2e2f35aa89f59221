"""Cards and mandates that Stripe keeps."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date
from typing import Any

from ..values import StoredMethod
from .client import Api
from .mandates import mandates_of
from .notices import at

KINDS = {"card": "card", "sepa_debit": "sepa_debit", "paypal": "paypal"}
_BRANDS = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "discover": "Discover",
    "eftpos_au": "eftpos",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


def methods_of(api: Api, *, payer_reference: str) -> Sequence[StoredMethod]:
    if not payer_reference:
        return []
    params = {"customer": payer_reference, "limit": 100}
    found = list(api.read_all(lambda v1: v1.payment_methods.list(params)))
    debits = [method.id for method in found if method.type == "sepa_debit"]
    mandates = mandates_of(api, customer=payer_reference, methods=debits) if debits else {}
    return [stored(method, mandate=mandates.get(method.id)) for method in found]


def forget_method(api: Api, *, reference: str) -> None:
    try:
        api.write(lambda v1: v1.payment_methods.detach(reference))
    except api.stripe.InvalidRequestError:
        # Unknown, or detached before: either way it cannot be charged any more.
        return


def stored(method: Any, *, mandate: Any = None) -> StoredMethod:
    """``mandate`` where it is known, expanded or not: methods do not name theirs."""
    mandate_is_dead = at(mandate, "status") == "inactive"
    return StoredMethod(
        reference=method.id,
        kind=KINDS.get(method.type, "other"),
        label=_label(method),
        expires_on=_last_day(at(method, "card")),
        mandate_reference=mandate if isinstance(mandate, str) else (at(mandate, "id") or ""),
        fingerprint=at(method, method.type, "fingerprint") or "",
        usable=not mandate_is_dead,
        reason="mandate inactive" if mandate_is_dead else "",
    )


def _label(method: Any) -> str:
    details = at(method, method.type)
    last_four = at(details, "last4")
    match method.type:
        case "card":
            brand = at(details, "display_brand") or at(details, "brand") or ""
            name = _BRANDS.get(brand, brand.replace("_", " ").title())
        case "sepa_debit":
            name = "SEPA"
        case "paypal":
            return " ".join(filter(None, ["PayPal", at(details, "payer_email")]))
        case kind:
            name = kind.replace("_", " ").title()
    return f"{name} •••• {last_four}" if last_four else name


def _last_day(card: Any) -> date | None:
    month, year = at(card, "exp_month"), at(card, "exp_year")
    return date(year, month, calendar.monthrange(year, month)[1]) if month and year else None
