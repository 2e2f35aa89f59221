"""Methods that a provider knows only after the money: the mandate of a first payment that takes days."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from cms_billing.core import copies
from cms_billing.core.exceptions import BillingError
from cms_billing.faktura.models import Customer, Issuer

from ..models import Payment, PaymentSession
from ..providers import PageNotice
from .methods import store_method
from .sessions import ask_about_page

# A first debit may take 14 days; what has not come by then comes no more.
AWAITED_FOR = timedelta(days=30)


@transaction.atomic
def take_late_method(*, session_id: int, notice: PageNotice) -> bool:
    """Keep the method once the provider names it; returns whether it did. Said again it changes nothing."""
    customer_id = PaymentSession.objects.values_list("customer_id", flat=True).get(pk=session_id)
    if notice.method is None or customer_id is None:
        return False
    Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    rows = PaymentSession.objects.select_for_update(no_key=True, of=("self",))
    session = rows.select_related("account", "payer").get(pk=session_id)
    if not session.awaits_method:
        return False
    method = store_method(
        customer_id=customer_id, account=session.account, payer=session.payer, stored=notice.method
    )
    # Should this first payment still come back, it is known what refused it.
    Payment.objects.filter(session=session, method=None).update(method=method)
    session.awaits_method = False
    session.save(update_fields=["awaits_method"])
    return True


def look_up_late_methods(*, now: datetime, issuer: Issuer, limit: int = 500) -> int:
    """Ask about pages whose method is still to come; returns how many came. A silent provider stops nobody else."""
    if copies.is_copy():
        return 0
    awaited = PaymentSession.objects.filter(issuer=issuer, awaits_method=True)
    awaited.filter(completed_at__lt=now - AWAITED_FOR).update(awaits_method=False)
    found = 0
    for session in awaited.select_related("account", "payer").order_by("pk")[:limit]:
        try:
            notice = ask_about_page(session)
        except BillingError:
            continue
        found += notice is not None and take_late_method(session_id=session.pk, notice=notice)
    return found
