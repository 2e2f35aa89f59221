"""Mollie's checkout: one payment is the page, and the page's reference is the payment's."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from mollie.api.error import ResponseError

from ..values import Page, PageNotice, PageRequest, PageStatus, PayerFacts
from . import charges, problems
from .amounts import amount_of, money_of
from .client import MollieClient, every
from .methods import method_left_by
from .references import GONE, key_in, moment, wanted_text

# What Mollie calls a kind of method in a first payment; a SEPA mandate comes of a payment from the bank account.
BANKS = ("ideal", "bancontact", "belfius", "eps", "kbc")
FIRST_METHODS: Mapping[str, Sequence[str]] = {
    "card": ("creditcard",),
    "paypal": ("paypal",),
    "sepa_debit": BANKS,
    **{bank: (bank,) for bank in BANKS},
}
# Only these leave a mandate without taking money.
_FREE_METHODS = ("creditcard", "paypal")
_LOCALES = frozenset(
    {
        "en_US",
        "en_GB",
        "nl_NL",
        "nl_BE",
        "de_DE",
        "de_AT",
        "de_CH",
        "fr_FR",
        "fr_BE",
        "es_ES",
        "ca_ES",
        "pt_PT",
    }
    | {"it_IT", "nb_NO", "sv_SE", "fi_FI", "da_DK", "is_IS", "hu_HU", "pl_PL", "lv_LV", "lt_LT"}
)
_LOCALE_OF_LANGUAGE = {locale[:2]: locale for locale in sorted(_LOCALES, reverse=True)} | {
    "en": "en_GB",
    "nl": "nl_NL",
    "de": "de_DE",
    "fr": "fr_FR",
    "es": "es_ES",
}
_VISITS = {
    "open": PageStatus.OPEN,
    "pending": PageStatus.COMPLETED,
    "authorized": PageStatus.COMPLETED,
    "paid": PageStatus.COMPLETED,
    "canceled": PageStatus.CANCELLED,
    "expired": PageStatus.EXPIRED,
    "failed": PageStatus.FAILED,
}
_NO_MONEY = frozenset({"open", "canceled", "expired"})
_OVER = frozenset({"canceled", "expired", "failed"})


def open_page(api: MollieClient, request: PageRequest) -> Page:
    try:
        payment = _open(api, request)
    except ResponseError as refusal:
        raise problems.payment_refused(api.account, request.amount, refusal) from None
    return Page(
        reference=str(payment["id"]),
        url=str(payment.checkout_url or ""),
        payer_reference=str(payment.get("customerId") or ""),
        expires_at=moment(payment.get("expiresAt")),
    )


def _open(api: MollieClient, request: PageRequest) -> Any:
    """A customer first, where the method is to be kept: a mandate belongs to one."""
    methods, key = _methods(api, request), request.idempotency_key
    customer = request.payer.reference
    if request.stores_method and not customer:
        customer = _make_customer(api, request, attempt="customer")
    try:
        return _make_payment(api, request, customer, methods, key=key)
    except ResponseError as refusal:
        if refusal.status not in GONE or not request.payer.reference:
            raise
    # The customer we knew was deleted at Mollie. Another request wants another key, which is made of the same.
    customer = _make_customer(api, request, attempt="new-customer") if request.stores_method else ""
    return _make_payment(api, request, customer, methods, key=uuid.uuid5(key, "payment-of-new-customer"))


def _make_payment(
    api: MollieClient, request: PageRequest, customer: str, methods: Sequence[str], *, key: uuid.UUID
) -> Any:
    locale = _locale(request.payer)
    data = {
        "amount": amount_of(request.amount),
        "description": wanted_text(request.description, otherwise=request.idempotency_key),
        "redirectUrl": request.return_url,
        "sequenceType": _sequence(request),
        "metadata": {"key": str(request.idempotency_key)},
        **({"cancelUrl": request.cancel_url} if request.cancel_url else {}),
        **({"webhookUrl": request.webhook_url} if request.webhook_url else {}),
        **({"customerId": customer} if customer else {}),
        **({"locale": locale} if locale else {}),
        **({"method": list(methods)} if methods else {}),
    }
    return api.payments.create(data, idempotency_key=str(key))


def _make_customer(api: MollieClient, request: PageRequest, *, attempt: str) -> str:
    payer = request.payer
    locale = _locale(payer)
    data = {
        "metadata": {"key": payer.key},
        **({"name": payer.name} if payer.name else {}),
        **({"email": payer.email} if payer.email else {}),
        **({"locale": locale} if locale else {}),
    }
    key = uuid.uuid5(request.idempotency_key, attempt)
    return str(api.customers.create(data, idempotency_key=str(key))["id"])


def _methods(api: MollieClient, request: PageRequest) -> Sequence[str]:
    """Mollie's names of the methods to offer, of those that are activated there; empty: let Mollie offer all.

    Raises PermanentFailure where none is left.
    """
    wanted = list(dict.fromkeys(name for kind in request.kinds for name in FIRST_METHODS.get(kind, (kind,))))
    if not request.amount.minor:
        wanted = [name for name in _FREE_METHODS if not wanted or name in wanted]
        if not wanted:
            raise problems.nothing_stored_for_nothing()
    elif not wanted:
        return ()
    filters: dict[str, Any] = {"sequenceType": _sequence(request)}
    if request.amount.minor:
        filters["amount"] = amount_of(request.amount)
    activated = {str(method["id"]) for method in every(api.methods.list(**filters))}
    usable = [name for name in wanted if name in activated]
    if not usable:
        raise problems.no_method(request.amount)
    return usable


def _sequence(request: PageRequest) -> str:
    return "first" if request.stores_method else "oneoff"


def look_up_page(
    api: MollieClient, *, reference: str, key: uuid.UUID, payer_reference: str
) -> PageNotice | None:
    payment = charges.find(api, reference=reference, key=key, customer=payer_reference or None)
    return page_notice(api, payment) if payment is not None else None


def page_notice(api: MollieClient, payment: Mapping[str, Any]) -> PageNotice:
    """``method`` may come with a later look-up: some mandates become valid hours after the payment."""
    status, reference = str(payment.get("status")), str(payment["id"])
    if status not in _VISITS:
        raise problems.unknown_status(_("payment"), reference, status)
    notice = charges.notice_of(payment)
    has_money = status not in _NO_MONEY and _has_amount(payment)
    return PageNotice(
        reference=reference,
        status=_VISITS[status],
        payment=notice if has_money else None,
        method=method_left_by(api, payment),
        payer_reference=str(payment.get("customerId") or ""),
        idempotency_key=key_in(payment),
        reason=notice.reason,
    )


def _has_amount(payment: Mapping[str, Any]) -> bool:
    return money_of(payment["amount"]).minor > 0


def close_page(api: MollieClient, *, reference: str) -> bool:
    """Mollie cancels only while the payer has not begun; else the page ends by itself, and money may still come."""
    payment = charges.find(api, reference=reference, key=None, customer=None)
    if payment is None or payment["status"] in _OVER:
        return True
    if not payment.get("isCancelable"):
        return False
    try:
        return bool(api.payments.delete(reference)["status"] == "canceled")
    except ResponseError:
        return False  # Begun in between.


def _locale(payer: PayerFacts) -> str:
    language = payer.language[:2].lower()
    exact = f"{language}_{payer.country.upper()}"
    return exact if exact in _LOCALES else _LOCALE_OF_LANGUAGE.get(language, "")
