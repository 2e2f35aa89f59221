"""Methods at the provider: stored on a page, and forgotten once nobody uses them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from cms_billing.core.exceptions import NotYet

from ..credentials import provider_of
from ..models import MethodRemoval, Payment, PaymentMethod, PaymentSession
from ..providers import PageNotice
from .methods import remove_method
from .session_money import book_session


@transaction.atomic
def keep_method(*, session_id: int, customer_id: int, notice: PageNotice, asked_at: datetime) -> None:
    """Store what the payer entered on a page, and remove what it replaces. Called again it changes nothing."""
    book_session(session_id=session_id, customer_id=customer_id, notice=notice, asked_at=asked_at)
    session = PaymentSession.objects.get(pk=session_id)
    stored = notice.method
    if session.replaces is None or stored is None or not stored.usable:
        return
    # The provider may have kept its own reference and changed what is behind it.
    if session.replaces.customer_id == customer_id and session.replaces.reference != stored.reference:
        remove_method(method_id=session.replaces.pk, by=PaymentMethod.RevokedBy.REPLACED)


def carry_out_removal(removal: MethodRemoval) -> None:
    """Outside work of a removed method: the provider deletes it. Unknown there: it is deleted already."""
    method = removal.method
    if Payment.objects.filter(method=method, state=Payment.State.CREATED).exists():
        raise NotYet(_("A charge through it is being sent."))
    used = PaymentMethod.objects.usable().filter(account=method.account, reference=method.reference)
    if used.filter(provider=method.provider).exists():
        return
    provider_of(method).forget_method(  # type: ignore[attr-defined]
        reference=method.reference, payer_reference=str(method.payer) if method.payer else ""
    )
