"""What a provider says now. It is asked here and nowhere else, never inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from cms_billing.core import clock
from cms_billing.core.copies import require_original

from .. import exceptions as errors
from ..models import Payment, Refund
from ..providers import Notice, Provider, RefundNotice
from ..selectors import history_of


def ask_about(payment: Payment, provider: Provider) -> Notice | None:
    """What the provider says of the payment now. Not inside a transaction. Raises CopySendsNothing."""
    require_original()
    return provider.look_up(
        reference=payment.reference,
        idempotency_key=payment.idempotency_key,
        method_reference=payment.method.reference if payment.method else "",
        history=_told_of(payment, provider, [payment.reference, str(payment.idempotency_key)]),
    )


def ask_about_refund(refund: Refund, provider: Provider) -> RefundNotice | None:
    """What the provider says of the refund now; None: it knows none. Raises CopySendsNothing."""
    require_original()
    payment = refund.payment
    return provider.look_up_refund(
        reference=refund.reference,
        payment_reference=payment.reference if payment else "",
        idempotency_key=refund.idempotency_key,
        history=_told_of(refund, provider, [refund.reference, str(refund.idempotency_key)]),
    )


def _told_of(row: Payment | Refund, provider: Provider, references: Sequence[str]) -> Sequence[bytes]:
    return () if provider.capabilities.can_be_asked else history_of(row.account_id, references)


def require_repeatable(row: Payment | Refund, provider: Provider) -> None:
    """Raises PermanentFailure where sending again might do it twice: nobody can be asked, and the key may be forgotten.

    For rows that may have been sent, and of which no news have come.
    """
    can = provider.capabilities
    if not can.can_be_asked and row.created_at < clock.now() - can.key_life:
        raise errors.too_old_to_repeat(row, row.idempotency_key)
