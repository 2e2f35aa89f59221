"""Money paid back."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils.translation import gettext as _

from ..base import ProviderDown
from ..values import RefundNotice, RefundRequest, RefundStatus
from .amounts import to_stripe
from .client import Api
from .notices import KEY, at, key_of
from .sentences import not_possible

# Refunds of cards, and of everything else.
REFUNDS = ("re_", "pyr_")
_STATES = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.PAID,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


def refund(api: Api, request: RefundRequest) -> RefundNotice:
    params = {
        "payment_intent": request.payment_reference,
        "amount": to_stripe(request.amount),
        "reason": "requested_by_customer",
        "metadata": {KEY: str(request.idempotency_key)},
    }
    options = {"idempotency_key": str(request.idempotency_key)}
    try:
        made = api.write(lambda v1: v1.refunds.create(params, options))
    except (api.stripe.InvalidRequestError, api.stripe.CardError) as error:
        problem = not_possible(error)
    else:
        return _notice(made)
    raise problem


def look_up_refund(
    api: Api, *, reference: str, payment_reference: str, idempotency_key: uuid.UUID | None
) -> RefundNotice | None:
    if reference:
        found = api.read(lambda v1: v1.refunds.retrieve(reference)) if reference.startswith(REFUNDS) else None
    elif payment_reference and idempotency_key is not None:
        of_payment = api.read_all(
            lambda v1: v1.refunds.list({"payment_intent": payment_reference, "limit": 100})
        )
        found = next((one for one in of_payment if key_of(one) == idempotency_key), None)
    else:
        raise ProviderDown(_("Stripe finds a refund by its reference or its payment only."))
    return _notice(found) if found is not None else None


def _notice(refund: Any) -> RefundNotice:
    state = _STATES.get(refund.status)
    if state is None:
        raise ProviderDown(
            _("Stripe says “%(status)s” of refund %(reference)s, which billing does not know.")
            % {"status": refund.status, "reference": refund.id}
        )
    reason = at(refund, "failure_reason") or "" if state is RefundStatus.FAILED else ""
    return RefundNotice(refund.id, state, reason, key_of(refund))
