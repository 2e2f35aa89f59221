"""Adyen's words for outcomes, kinds of methods and refusals. No Django."""

from __future__ import annotations

import re
from collections.abc import Mapping

# ``PaymentMethod.Kind`` and kinds of first payments, as Adyen names them.
TYPES: Mapping[str, str] = {
    "card": "scheme",
    "sepa_debit": "sepadirectdebit",
    "paypal": "paypal",
    "ideal": "ideal",
}
_KINDS: Mapping[str, str] = {"sepadirectdebit": "sepa_debit", "paypal": "paypal", "scheme": "card"}

# docs.adyen.com/development-resources/refusal-reasons
REASONS: Mapping[str, str] = {
    "refused": "2",
    "referral": "3",
    "acquirer error": "4",
    "blocked card": "5",
    "expired card": "6",
    "invalid amount": "7",
    "invalid card number": "8",
    "issuer unavailable": "9",
    "not supported": "10",
    "3d not authenticated": "11",
    "not enough balance": "12",
    "acquirer fraud": "14",
    "cancelled": "15",
    "shopper cancelled": "16",
    "fraud": "20",
    "not submitted": "21",
    "fraud-cancelled": "22",
    "transaction not permitted": "23",
    "cvc declined": "24",
    "restricted card": "25",
    "revocation of auth": "26",
    "declined non generic": "27",
    "withdrawal amount exceeded": "28",
    "withdrawal count exceeded": "29",
    "issuer suspected fraud": "31",
    "authentication required": "38",
}
AUTHENTICATION_REQUIRED = "38"
# Blocked (lost, stolen) card, authorisation revoked by its holder: the method itself is dead.
DEAD = frozenset({"5", "26"})
# Mastercard's merchant advice: do not try again; payment cancelled by the cardholder.
NEVER_AGAIN = frozenset({"03", "21"})
# Errors of the API that say that the stored method is not there (any more).
UNKNOWN_METHOD = frozenset({"800", "802", "803"})

_ADVICE = re.compile(r"\s*(\d{1,2})\b")


def kind_of(method_type: str, brand: str = "") -> str:
    """A ``PaymentMethod.Kind``. Cards carry their brand; Adyen calls them ``scheme``."""
    return _KINDS.get(method_type, "card" if brand else "other")


def code_of_reason(reason: str) -> str:
    """The refusal code of a reason written out, such as "Not enough balance"; empty for others."""
    return REASONS.get(reason.split(":", maxsplit=1)[0].strip().lower(), "")


def advice_of(merchant_advice: str) -> str:
    """``MAC-03`` of "03 : Do not try again"; empty where there is none."""
    found = _ADVICE.match(merchant_advice)
    return f"MAC-{int(found[1]):02d}" if found else ""


def is_dead(code: str, advice: str) -> bool:
    """Whether trying the same method again is useless for good."""
    return code in DEAD or advice.removeprefix("MAC-") in NEVER_AGAIN
