"""Cards and mandates that Adyen keeps for a payer."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from django.utils.crypto import salted_hmac

from ..values import StoredMethod
from .client import Connection, Refused
from .codes import kind_of

_BRANDS = {"visa": "Visa", "mc": "Mastercard", "amex": "American Express", "maestro": "Maestro"}


def tokens_of(connection: Connection, payer: str) -> list[Mapping[str, Any]]:
    """The stored methods as the API shows them."""
    answer = connection.call(
        "recurring_api", "get_tokens_for_stored_payment_details", query_parameters=_query(connection, payer)
    )
    return answer.get("storedPaymentMethods") or []


def methods_of(connection: Connection, payer: str) -> list[StoredMethod]:
    return [method_of(token) for token in tokens_of(connection, payer)]


def forget_method(connection: Connection, *, reference: str, payer: str) -> None:
    try:
        connection.call(
            "recurring_api",
            "delete_token_for_stored_payment_details",
            quote(reference, safe=""),
            query_parameters=_query(connection, payer),
        )
    except Refused as refusal:
        # Not there any more: 404, or 422 "PaymentDetail not found".
        if refusal.status != 404 and refusal.code not in ("800", "802", "803"):
            raise


def method_of(token: Mapping[str, Any]) -> StoredMethod:
    brand, iban = str(token.get("brand") or ""), str(token.get("iban") or "")
    return StoredMethod(
        reference=str(token["id"]),
        kind=kind_of(str(token.get("type") or ""), brand),
        label=_label(token, brand, iban),
        expires_on=_last_day(token),
        mandate_reference=str((token.get("mandate") or {}).get("mandateId") or ""),
        fingerprint=_fingerprint(token, iban),
    )


def _label(token: Mapping[str, Any], brand: str, iban: str) -> str:
    name = _BRANDS.get(brand) or str(token.get("name") or brand or token.get("type") or "")
    last = iban[-4:] or str(token.get("lastFour") or "")
    return f"{name} •••• {last}" if last else name


def _last_day(token: Mapping[str, Any]) -> date | None:
    """Cards work until the end of the month that is printed on them."""
    month, year = str(token.get("expiryMonth") or ""), str(token.get("expiryYear") or "")
    if not (month.isdigit() and year.isdigit()):
        return None
    full = int(year) + 2000 if len(year) <= 2 else int(year)
    return date(full, int(month), calendar.monthrange(full, int(month))[1])


def _fingerprint(token: Mapping[str, Any], iban: str) -> str:
    """Adyen's alias of the card number; of an account number, which is short enough to be guessed, a keyed hash."""
    if iban:
        return salted_hmac("cms_billing.payments.adyen.iban", iban, algorithm="sha256").hexdigest()[:40]
    return str(token.get("alias") or "")


def _query(connection: Connection, payer: str) -> dict[str, str]:
    """The library puts values into the address as they are."""
    return {
        "shopperReference": quote(payer, safe=""),
        "merchantAccount": quote(connection.merchant_account, safe=""),
    }
