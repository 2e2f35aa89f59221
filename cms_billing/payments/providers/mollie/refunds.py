"""Paying back: Mollie takes the refund, the bank decides days later."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from mollie.api.error import ResponseError
from mollie.api.objects.payment import Payment

from cms_billing.core.exceptions import PermanentFailure

from ..base import ProviderDown
from ..values import RefundNotice, RefundRequest, RefundStatus
from . import problems
from .amounts import amount_of
from .client import LIST_LIMIT, MollieClient, every
from .references import GONE, key_in, wanted_text

_STATUSES = {
    "queued": RefundStatus.PENDING,
    "pending": RefundStatus.PENDING,
    "processing": RefundStatus.PENDING,
    "refunded": RefundStatus.PAID,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
# Refunds looked through, newest first, where the payment is not known.
_MOST_LOOKED_THROUGH = 1000


def refund(api: MollieClient, request: RefundRequest) -> RefundNotice:
    data = {
        "amount": amount_of(request.amount),
        "description": wanted_text(request.description),
        "metadata": {"key": str(request.idempotency_key)},
    }
    try:
        made = _of(api, request.payment_reference).create(data, idempotency_key=str(request.idempotency_key))
    except ResponseError as refusal:
        if refusal.status == 409:
            return _after_conflict(api, request)
        raise problems.request_refused(str(refusal)) from None
    return refund_notice(made)


def _after_conflict(api: MollieClient, request: RefundRequest) -> RefundNotice:
    """Mollie takes two like refunds within a short time for one. Ours is there already, or is made later."""
    found = look_up_refund(
        api, reference="", payment_reference=request.payment_reference, key=request.idempotency_key
    )
    if found is None:
        raise ProviderDown(
            _(
                "Mollie takes the refund of %(payment)s for the repetition of another one just made; later it will go."
            )
            % {"payment": request.payment_reference}
        )
    return found


def look_up_refund(
    api: MollieClient, *, reference: str, payment_reference: str, key: uuid.UUID | None
) -> RefundNotice | None:
    if reference and not reference.startswith("re_"):
        return None
    try:
        if reference and payment_reference:
            return refund_notice(_of(api, payment_reference).get(reference))
        for one in _refunds(api, payment_reference):
            if one["id"] == reference or (not reference and key is not None and key_in(one) == key):
                return refund_notice(one)
    except ResponseError as refusal:
        if refusal.status not in GONE:
            raise problems.request_refused(str(refusal)) from None
    return None


def _refunds(api: MollieClient, payment_reference: str) -> Iterable[Mapping[str, Any]]:
    if payment_reference:
        yield from every(_of(api, payment_reference).list(limit=LIST_LIMIT))
        return
    for count, one in enumerate(every(api.refunds.list(limit=LIST_LIMIT))):
        if count >= _MOST_LOOKED_THROUGH:
            return
        yield one


def refund_notice(made: Mapping[str, Any]) -> RefundNotice:
    status, reference = str(made.get("status")), str(made["id"])
    if status not in _STATUSES:
        raise problems.unknown_status(_("refund"), reference, status)
    told = _STATUSES[status]
    return RefundNotice(
        reference=reference,
        status=told,
        reason=_reason(made, status) if told is RefundStatus.FAILED else "",
        idempotency_key=key_in(made),
    )


def _reason(made: Mapping[str, Any], status: str) -> str:
    said = made.get("statusReason") or {}
    return str(said.get("message") or said.get("code") or status)


def _of(api: MollieClient, payment_reference: str) -> Any:
    if not payment_reference.startswith("tr_"):
        raise PermanentFailure(
            _("“%(reference)s” is no payment of Mollie.") % {"reference": payment_reference}
        )
    return Payment({"id": payment_reference}, api).refunds
