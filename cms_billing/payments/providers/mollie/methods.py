"""Mandates: what Mollie keeps of a card, a bank account or a PayPal account."""

from __future__ import annotations

import calendar
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.utils.translation import gettext as _
from mollie.api.error import ResponseError
from mollie.api.objects.customer import Customer

from ..values import StoredMethod
from . import problems
from .client import LIST_LIMIT, MollieClient, every
from .references import GONE, method_reference, moment, parts_of

_KINDS = {"creditcard": "card", "directdebit": "sepa_debit", "paypal": "paypal"}


def methods_of(api: MollieClient, customer: str) -> Sequence[StoredMethod]:
    return [stored_method(customer, mandate) for mandate in _mandates(api, customer)]


def forget_method(api: MollieClient, reference: str) -> None:
    customer, mandate = parts_of(reference)
    if not mandate:
        return
    try:
        Customer({"id": customer}, api).mandates.delete(mandate)
    except ResponseError as refusal:
        if refusal.status not in GONE:
            raise problems.request_refused(str(refusal)) from None


def method_left_by(api: MollieClient, payment: Mapping[str, Any]) -> StoredMethod | None:
    """The mandate that a first payment left behind; None while it is not valid: banks may tell the account later.

    Payments may be paid before they name their mandate: then it is the newest one made since.
    """
    customer = payment.get("customerId")
    if payment.get("sequenceType") != "first" or payment.get("status") != "paid" or not customer:
        return None
    valid = [mandate for mandate in _mandates(api, customer) if mandate.get("status") == "valid"]
    named, since = payment.get("mandateId"), _made_at(payment)
    mine = [mandate for mandate in valid if (mandate["id"] == named if named else _made_at(mandate) >= since)]
    newest = max(mine, key=_made_at, default=None)
    return stored_method(customer, newest) if newest else None


def _made_at(thing: Mapping[str, Any]) -> datetime:
    return moment(thing.get("createdAt")) or datetime.min.replace(tzinfo=UTC)


def stored_method(customer: str, mandate: Mapping[str, Any]) -> StoredMethod:
    details = mandate.get("details") or {}
    status = str(mandate.get("status"))
    account = str(details.get("consumerAccount") or "")
    return StoredMethod(
        reference=method_reference(customer, str(mandate["id"])),
        kind=_KINDS.get(str(mandate.get("method")), "other"),
        label=_label(str(mandate.get("method")), details),
        expires_on=_last_day(details.get("cardExpiryDate")),
        mandate_reference=str(mandate.get("mandateReference") or ""),
        fingerprint=str(details.get("cardFingerprint") or "") or _mark(account),
        usable=status == "valid",
        reason="" if status == "valid" else status,
    )


def _mandates(api: MollieClient, customer: str) -> Iterator[Mapping[str, Any]]:
    """None for a customer that Mollie does not know any more."""
    try:
        yield from every(Customer({"id": customer}, api).mandates.list(limit=LIST_LIMIT))
    except ResponseError as refusal:
        if refusal.status not in GONE:
            raise problems.request_refused(str(refusal)) from None


def _label(method: str, details: Mapping[str, Any]) -> str:
    account = str(details.get("consumerAccount") or "")
    if method == "creditcard":
        card = details.get("cardLabel") or _("Card")
        return f"{card} •••• {details.get('cardNumber') or ''}".rstrip()
    if method == "directdebit":
        return f"{account[:2]} •••• {account[-4:]}" if account else str(_("SEPA direct debit"))
    if method == "paypal":
        name, at, host = account.partition("@")
        return f"PayPal {name[:1]}•••{at}{host}" if at else "PayPal"
    return method


def _last_day(told: Any) -> date | None:
    """Cards are good until the end of the month that is printed on them; Mollie writes "2027-03-31"."""
    try:
        day = date.fromisoformat(str(told))
    except ValueError:
        return None
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _mark(account: str) -> str:
    """Alike for all mandates of one account, without showing which."""
    return hashlib.sha256(account.replace(" ", "").upper().encode()).hexdigest() if account else ""
