"""What the refusal codes of providers, card networks and banks mean, and whether another attempt may help. Pure.

Sources: Stripe's decline codes and advice codes; Mollie's ``failureReason``; Adyen's ``refusalReasonCode``;
Mastercard's merchant advice codes (MAC), of which 03 and 21 forbid another attempt; the reason codes of SEPA returns
(EPC173-14).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum


class RefusalClass(Enum):
    """What may be done about a refusal."""

    HARD = "hard"  # never again with this card or account
    NEEDS_MEMBER = "needs_member"  # a new method, or the payer's confirmation
    SOFT = "soft"  # may work later
    UNKNOWN = "unknown"  # no code that we know


class Meaning(Enum):
    """Refusals that people would explain with the same words."""

    NO_MONEY = "no_money"
    LIMIT = "limit"
    EXPIRED = "expired"
    WRONG_DATA = "wrong_data"
    AUTHENTICATION = "authentication"
    LOST = "lost"
    BLOCKED = "blocked"
    FRAUD = "fraud"
    NOT_SUPPORTED = "not_supported"
    ACCOUNT_CLOSED = "account_closed"
    NO_MANDATE = "no_mandate"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"
    BANK_NOT_REACHED = "bank_not_reached"
    DECLINED = "declined"
    UNKNOWN = "unknown"


Known = tuple[RefusalClass, Meaning]
_HARD, _MEMBER, _SOFT = RefusalClass.HARD, RefusalClass.NEEDS_MEMBER, RefusalClass.SOFT
# From the best to the worst: where code and advice differ, the worse one counts.
_ORDER = (RefusalClass.UNKNOWN, _SOFT, _MEMBER, _HARD)


def _each(codes: str, kind: RefusalClass, meaning: Meaning) -> dict[str, Known]:
    return dict.fromkeys(codes.split(), (kind, meaning))


STRIPE: Mapping[str, Known] = {
    **_each("lost_card stolen_card pickup_card", _HARD, Meaning.LOST),
    **_each("restricted_card", _HARD, Meaning.BLOCKED),
    **_each("do_not_try_again", _HARD, Meaning.DECLINED),
    **_each(
        "revocation_of_authorization revocation_of_all_authorizations stop_payment_order",
        _HARD,
        Meaning.WITHDRAWN,
    ),
    **_each("invalid_account new_account_information_available", _HARD, Meaning.ACCOUNT_CLOSED),
    **_each(
        "card_not_supported transaction_not_allowed currency_not_supported not_permitted "
        "service_not_allowed testmode_decline",
        _HARD,
        Meaning.NOT_SUPPORTED,
    ),
    **_each("fraudulent merchant_blacklist security_violation", _HARD, Meaning.FRAUD),
    **_each(
        "debit_not_authorized mandate_invalid payment_method_customer_decline", _HARD, Meaning.NO_MANDATE
    ),
    **_each("account_closed bank_account_unusable no_account", _HARD, Meaning.ACCOUNT_CLOSED),
    **_each("expired_card", _MEMBER, Meaning.EXPIRED),
    **_each(
        "incorrect_number incorrect_cvc incorrect_zip incorrect_address invalid_cvc invalid_number "
        "invalid_expiry_month invalid_expiry_year incorrect_pin invalid_pin",
        _MEMBER,
        Meaning.WRONG_DATA,
    ),
    **_each(
        "authentication_required authentication_not_handled approve_with_id offline_pin_required "
        "online_or_offline_pin_required",
        _MEMBER,
        Meaning.AUTHENTICATION,
    ),
    **_each("insufficient_funds", _SOFT, Meaning.NO_MONEY),
    **_each("card_velocity_exceeded withdrawal_count_limit_exceeded pin_try_exceeded", _SOFT, Meaning.LIMIT),
    **_each(
        "issuer_not_available processing_error reenter_transaction try_again_later",
        _SOFT,
        Meaning.BANK_NOT_REACHED,
    ),
    **_each(
        "generic_decline do_not_honor call_issuer no_action_taken card_declined",
        _SOFT,
        Meaning.DECLINED,
    ),
}

MOLLIE: Mapping[str, Known] = {
    **_each("inactive_card", _HARD, Meaning.BLOCKED),
    **_each("possible_fraud", _HARD, Meaning.FRAUD),
    **_each("invalid_card_type", _HARD, Meaning.NOT_SUPPORTED),
    **_each("card_expired", _MEMBER, Meaning.EXPIRED),
    **_each("invalid_cvv invalid_card_holder_name invalid_card_number", _MEMBER, Meaning.WRONG_DATA),
    **_each(
        "authentication_abandoned authentication_failed authentication_required "
        "authentication_unavailable_acs",
        _MEMBER,
        Meaning.AUTHENTICATION,
    ),
    **_each("insufficient_funds", _SOFT, Meaning.NO_MONEY),
    **_each("card_declined refused_by_issuer unknown_reason", _SOFT, Meaning.DECLINED),
    # Codes of ours, for what Mollie says in words only; see ``providers.mollie.charges``.
    **_each("no_suitable_mandate customer_gone", _HARD, Meaning.NO_MANDATE),
}

ADYEN: Mapping[str, Known] = {
    **_each("5", _HARD, Meaning.BLOCKED),
    **_each("10 23", _HARD, Meaning.NOT_SUPPORTED),
    **_each("14 20 22 31", _HARD, Meaning.FRAUD),
    **_each("25", _HARD, Meaning.BLOCKED),
    **_each("26", _HARD, Meaning.WITHDRAWN),
    **_each("6", _MEMBER, Meaning.EXPIRED),
    **_each("8 24", _MEMBER, Meaning.WRONG_DATA),
    **_each("11 38", _MEMBER, Meaning.AUTHENTICATION),
    **_each("2 27", _SOFT, Meaning.DECLINED),
    **_each("4 9", _SOFT, Meaning.BANK_NOT_REACHED),
    **_each("12", _SOFT, Meaning.NO_MONEY),
    **_each("28 29", _SOFT, Meaning.LIMIT),
}

# Returned direct debits, whoever collected them.
SEPA: Mapping[str, Known] = {
    **_each("AC01 AC04 AC06 AG01 SL01 RC01", _HARD, Meaning.ACCOUNT_CLOSED),
    **_each("MD01 MD07", _HARD, Meaning.NO_MANDATE),
    **_each("MD06", _MEMBER, Meaning.OBJECTED),
    **_each("AM04", _SOFT, Meaning.NO_MONEY),
    **_each("MS02 MS03", _SOFT, Meaning.DECLINED),
}

BY_PROVIDER: Mapping[str, Mapping[str, Known]] = {"stripe": STRIPE, "mollie": MOLLIE, "adyen": ADYEN}

_ADVICE: Mapping[str, RefusalClass] = {
    "do_not_try_again": _HARD,
    "confirm_card_data": _MEMBER,
    "try_again_later": _SOFT,
    # Mastercard: 01 new account information, 02 cannot approve at this time, 03 do not try again, 04 token
    # requirements, 21 payment cancelled by the cardholder.
    "01": _MEMBER,
    "02": _SOFT,
    "03": _HARD,
    "04": _MEMBER,
    "21": _HARD,
}
# Mastercard's 24 to 30: try again after an hour, a day, 2, 4, 6, 8, 10 days. In days, rounded up.
_WAITS = {"24": 1, "25": 1, "26": 2, "27": 4, "28": 6, "29": 8, "30": 10}


def known(provider: str, code: str) -> Known:
    """Class and meaning of a code; unknown where neither the provider nor SEPA has it.

    Providers that are not listed are read as if they wrote Stripe's codes, the nearest there is to common names.
    """
    code = code.strip()
    own = BY_PROVIDER.get(provider, STRIPE).get(code) or SEPA.get(code[:4].upper())
    return own or (RefusalClass.UNKNOWN, Meaning.UNKNOWN)


def class_of_advice(advice: str) -> RefusalClass:
    """Of all that is advised ("do_not_try_again", "MAC-03", several with blanks) the worst."""
    return worst(_ADVICE.get(part) or (_SOFT if part in _WAITS else None) for part in _parts(advice))


def wait_of_advice(advice: str) -> int:
    """Days the card network asks to wait before the next attempt; 0: it does not say."""
    return max((_WAITS.get(part, 0) for part in _parts(advice)), default=0)


def worst(classes: Iterable[RefusalClass | None]) -> RefusalClass:
    return max((kind for kind in classes if kind), key=_ORDER.index, default=RefusalClass.UNKNOWN)


def _parts(advice: str) -> list[str]:
    return [re.sub(r"^mac[-_: ]?", "", part) for part in re.split(r"[\s,;]+", advice.strip().lower()) if part]
