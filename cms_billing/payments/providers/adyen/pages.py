"""Hosted checkout: a session opened by us, a payer who comes back or does not, and the method it stored."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext as _

from cms_billing.core import clock
from cms_billing.core.exceptions import PermanentFailure

from ..base import ProviderDown
from ..values import Notice, Page, PageNotice, PageRequest, PageStatus, Status, StoredMethod
from .charges import adyen_amount, status_of
from .client import Connection, Refused, said
from .codes import TYPES
from .folding import Folded, fold_payment
from .methods import method_of, tokens_of
from .told import TOKEN_EVENTS, payments_told, tokens_told

LONGEST = timedelta(hours=24)
# Adyen's rule for shopperReference, and ours: it stands in addresses.
PAYER = re.compile(r"[A-Za-z0-9_.~-]{3,256}\Z")
_VISITS = {
    "active": PageStatus.OPEN,
    "completed": PageStatus.COMPLETED,
    "paymentPending": PageStatus.COMPLETED,
    "refused": PageStatus.FAILED,
    "canceled": PageStatus.CANCELLED,
    "expired": PageStatus.EXPIRED,
}


def open_page(connection: Connection, request: PageRequest) -> Page:
    answer = connection.call(
        "payments_api",
        "sessions",
        _body(connection, request, now=clock.now()),
        idempotency_key=str(request.idempotency_key),
    )
    if not answer.get("url"):
        raise PermanentFailure(
            said(connection.account, _("it has no hosted page; ask Adyen to enable Hosted Checkout"))
        )
    return Page(
        reference=str(answer["id"]),
        url=str(answer["url"]),
        payer_reference=request.payer.key,
        expires_at=datetime.fromisoformat(answer["expiresAt"]),
    )


def _body(connection: Connection, request: PageRequest, *, now: datetime) -> dict[str, Any]:
    if not PAYER.match(request.payer.key):
        raise PermanentFailure(said(connection.account, _("the name of the payer is no shopperReference")))
    language, country = request.payer.language[:2].lower(), request.payer.country.upper()
    ends = min(request.expires_at or now + LONGEST, now + LONGEST)
    body: dict[str, Any] = {
        "merchantAccount": connection.merchant_account,
        "amount": adyen_amount(connection, request.amount),
        "reference": str(request.idempotency_key),
        "returnUrl": request.return_url,
        "mode": "hosted",
        "countryCode": country,
        "shopperLocale": f"{language}-{country if language != 'en' else 'GB'}",
        "shopperReference": request.payer.key,
        "shopperInteraction": "Ecommerce",
        "expiresAt": ends.isoformat(timespec="seconds"),
    }
    if request.payer.email:
        body["shopperEmail"] = request.payer.email
    if request.description:
        body["merchantOrderReference"] = request.description[:80]
    if request.kinds:
        body["allowedPaymentMethods"] = _types(connection, request.kinds)
    if request.stores_method or not request.amount:
        body |= {"recurringProcessingModel": "Subscription", "storePaymentMethodMode": "enabled"}
    return body


def _types(connection: Connection, kinds: Iterable[str]) -> list[str]:
    offered = [TYPES[kind] for kind in kinds if kind in TYPES]
    if not offered:
        raise PermanentFailure(said(connection.account, _("it offers none of the wanted payment methods")))
    return offered


def look_up_page(
    connection: Connection,
    *,
    reference: str,
    key: uuid.UUID,
    payer: str,
    returned_with: Mapping[str, str] | None,
    history: Sequence[bytes],
) -> PageNotice | None:
    """From the webhooks, and from the result that the payer brought back, whichever says more."""
    told = fold_payment(payments_told(history), reference="", key=key)
    brought = _brought(connection, reference, returned_with or {})
    if not reference and told is None:
        return None
    notice = _visit(connection, reference, key, told, brought)
    if notice.status is not PageStatus.COMPLETED or not payer:
        return replace(notice, payer_reference=payer)
    psps = ({told.psp} if told else set()) | _psps(brought)
    method = _stored(connection, payer, psps, brought, history)
    return replace(notice, payer_reference=payer, method=method)


def _brought(connection: Connection, reference: str, returned_with: Mapping[str, str]) -> Mapping[str, Any]:
    """The session's result by the token in the return address; empty where the payer brought none that is good."""
    result = returned_with.get("sessionResult", "")
    if not result or not reference:
        return {}
    try:
        answer = connection.call(
            "payments_api",
            "get_result_of_payment_session",
            quote(reference, safe=""),
            query_parameters={"sessionResult": quote(result, safe="")},
        )
    except Refused:
        # Somebody changed the address, or it belongs to another session.
        return {}
    return answer if answer.get("id") == reference else {}


def _visit(
    connection: Connection, reference: str, key: uuid.UUID, told: Folded | None, brought: Mapping[str, Any]
) -> PageNotice:
    if told is not None and told.notice.status is not Status.FAILED:
        payment = told.notice if told.amount is None or told.amount else None
        return PageNotice(reference, PageStatus.COMPLETED, payment, idempotency_key=key)
    status = _status(connection, brought)
    payment = _payment(connection, key, brought) if status is PageStatus.COMPLETED else None
    # A try that was refused ends nothing: on the page the payer may try again.
    reason = told.notice.reason if told is not None and status is not PageStatus.COMPLETED else ""
    return PageNotice(reference, status, payment, idempotency_key=key, reason=reason)


def _status(connection: Connection, brought: Mapping[str, Any]) -> PageStatus:
    said_status = str(brought.get("status") or "active")
    try:
        return _VISITS[said_status]
    except KeyError:
        what = _("it answers with the unknown result “%(result)s”") % {"result": said_status[:40]}
        raise ProviderDown(said(connection.account, what)) from None


def _payment(connection: Connection, key: uuid.UUID, brought: Mapping[str, Any]) -> Notice | None:
    payments = brought.get("payments") or []
    if not payments or not int((payments[0].get("amount") or {}).get("value", 1)):
        return None
    status = status_of(connection, str(payments[0].get("resultCode") or ""))
    return Notice(str(payments[0].get("pspReference") or ""), status, idempotency_key=key)


def _psps(brought: Mapping[str, Any]) -> set[str]:
    return {str(payment.get("pspReference") or "") for payment in brought.get("payments") or []}


def _stored(
    connection: Connection,
    payer: str,
    psps: set[str],
    brought: Mapping[str, Any],
    history: Sequence[bytes],
) -> StoredMethod | None:
    """The method of this visit: named by a signed token webhook or by the session's result, or made by its payment.

    None where nothing was stored, and while that cannot be said: the webhook will tell.
    """
    tokens = {str(token.get("id")): token for token in tokens_of(connection, payer)}
    events = [told for told in tokens_told(history) if told.event in TOKEN_EVENTS and told.shopper == payer]
    named = [told.token for told in events if told.psp in psps]
    named.append(str((brought.get("additionalData") or {}).get("tokenization.storedPaymentMethodId") or ""))
    made = [reference for reference, token in tokens.items() if token.get("firstPspReference") in psps]
    found = [reference for reference in (*named, *made) if reference in tokens]
    return method_of(tokens[found[0]]) if found else None
