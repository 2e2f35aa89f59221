"""What the provider says of a payer's methods now: renewed cards, revoked mandates, and those that came late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from cms_billing.core import clock, copies
from cms_billing.faktura.models import Customer

from ..credentials import provider_for
from ..models import Payer, PaymentMethod, PaymentSession
from ..providers import StoredMethod
from .methods import choose_default, copy_stored, end_method, reopen, store_method

State, RevokedBy = PaymentMethod.State, PaymentMethod.RevokedBy
# Banks may tell the account behind a first payment days later.
METHODS_MAY_COME_LATE = timedelta(days=7)


def sync_methods(payer: Payer) -> bool:
    """Ask the provider and follow what it says; False where it keeps no methods. Not inside a transaction.

    Raises ProviderDown, AccountRefused.
    """
    if not provider_for(payer.account).capabilities.methods:
        return False
    asked_at = clock.now()
    stored = ask_about_methods(payer)
    take_methods_news(payer_id=payer.pk, stored=stored, asked_at=asked_at)
    return True


def ask_about_methods(payer: Payer) -> Sequence[StoredMethod]:
    """All the provider keeps for the payer. Not inside a transaction."""
    copies.require_original()
    return provider_for(payer.account).methods_of(payer_reference=str(payer))  # type: ignore[attr-defined]


@transaction.atomic
def take_methods_news(*, payer_id: int, stored: Sequence[StoredMethod], asked_at: datetime) -> None:
    """Our rows say what the provider said. What is missing there is not usable any more.

    What a member removed stays removed, whatever the provider still keeps. A method we do not know is taken over only
    where a page of this payer was to store one and none came.
    """
    payer = _lock(payer_id)
    if payer.methods_asked_at is not None and asked_at < payer.methods_asked_at:
        return
    Payer.objects.filter(pk=payer.pk).update(methods_asked_at=asked_at)
    told = {method.reference: method for method in stored}
    ours = PaymentMethod.objects.filter(payer=payer)
    for method in ours.filter(Q(state=State.USABLE) | Q(revoked_by=RevokedBy.PROVIDER)).order_by("pk"):
        _follow(method, told.get(method.reference))
    known = set(ours.values_list("reference", flat=True))
    _take_late_ones(payer, [method for method in stored if method.usable and method.reference not in known])


def _lock(payer_id: int) -> Payer:
    """The customers first, as everywhere, then the payer."""
    customers = Customer.objects.filter(
        Q(payment_methods__payer=payer_id) | Q(payment_sessions__payer=payer_id)
    ).order_by("pk")
    for pk in sorted(set(customers.values_list("pk", flat=True))):
        Customer.objects.select_for_update(no_key=True).get(pk=pk)
    return Payer.objects.select_for_update(no_key=True, of=("self",)).get(pk=payer_id)


def _follow(method: PaymentMethod, told: StoredMethod | None) -> None:
    if told is None:
        if method.state == State.USABLE:
            end_method(
                method, by=RevokedBy.PROVIDER, reason=_("The payment service does not keep it any more.")
            )
        return
    if not told.usable:
        if method.state == State.USABLE:
            end_method(method, by=RevokedBy.PROVIDER, reason=told.reason)
        return
    was_usable = method.state == State.USABLE
    if not was_usable and _has_successor(method):
        return
    copy_stored(told, method)
    method.is_default = method.is_default and was_usable
    method.save()
    choose_default(method.customer_id)
    if not was_usable:
        reopen(method)


def _has_successor(method: PaymentMethod) -> bool:
    return (
        PaymentMethod.objects.usable()
        .filter(customer=method.customer_id, provider=method.provider, reference=method.reference)
        .exists()
    )


def _take_late_ones(payer: Payer, unknown: Sequence[StoredMethod]) -> None:
    session = _waits_for_its_method(payer)
    if session is None or session.customer_id is None or not unknown:
        return
    store_method(customer_id=session.customer_id, account=payer.account, payer=payer, stored=unknown[-1])


def _waits_for_its_method(payer: Payer) -> PaymentSession | None:
    """The last page that was to store a method, completed lately, where none was stored since."""
    session = (
        PaymentSession.objects.filter(
            payer=payer,
            stores_method=True,
            state=PaymentSession.State.COMPLETED,
            completed_at__gt=clock.now() - METHODS_MAY_COME_LATE,
            customer__isnull=False,
        )
        .exclude(money=PaymentSession.Money.FAILED)
        .order_by("-completed_at")
        .first()
    )
    if session is None:
        return None
    since = PaymentMethod.objects.filter(payer=payer, created_at__gte=session.created_at)
    return None if since.exists() else session
