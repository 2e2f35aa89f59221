"""Stored payment methods: what a provider keeps for a customer, and which of them is charged."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from cms_billing.core import clock, outbox
from cms_billing.faktura.models import Customer

from ..models import MethodRemoval, Payer, PaymentMethod, ProviderAccount
from ..providers import StoredMethod, UnknownProvider, get_provider
from .plans import reopen_charges

State, RevokedBy = PaymentMethod.State, PaymentMethod.RevokedBy


def payer_for(*, account: ProviderAccount, user: Any = None) -> Payer:
    """What the account calls this user; a guest is somebody new each time."""
    if user is None or not user.is_authenticated:
        return Payer.objects.create(account=account)
    try:
        with transaction.atomic():
            return Payer.objects.get_or_create(account=account, user=user)[0]
    except IntegrityError:
        return Payer.objects.get(account=account, user=user)


@transaction.atomic
def store_method(
    *,
    customer_id: int,
    account: ProviderAccount,
    payer: Payer | None,
    stored: StoredMethod,
    make_default: bool = True,
) -> PaymentMethod:
    """Keep a method the provider stored; one we know is brought up to date. Never two for one reference.

    An older token of the same card or account (``fingerprint``) is replaced by it. A new one that will be charged
    reopens what was given up for want of it.
    """
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    if make_default and stored.usable:
        PaymentMethod.objects.filter(customer=customer, is_default=True).exclude(
            account=account, reference=stored.reference
        ).update(is_default=False)
    known = PaymentMethod.objects.filter(
        Q(state=State.USABLE) | Q(revoked_by=RevokedBy.PROVIDER),
        customer=customer,
        provider=account.provider,
        reference=stored.reference,
    ).first()
    method = known or PaymentMethod(
        customer=customer, provider=account.provider, reference=stored.reference, is_default=False
    )
    method.account, method.payer = account, payer
    copy_stored(stored, method)
    method.is_default = stored.usable and (make_default or method.is_default)
    method.save()
    if stored.usable:
        _replace_older_tokens(method)
    if known is None and method.is_default:
        reopen(method)
    return method


def copy_stored(stored: StoredMethod, method: PaymentMethod) -> None:
    """What the provider says of it now, on the row; the caller saves it."""
    kinds = set(PaymentMethod.Kind.values)
    method.kind = stored.kind if stored.kind in kinds else PaymentMethod.Kind.OTHER
    method.label = stored.label[:80]
    method.mandate_reference = stored.mandate_reference[:120]
    method.fingerprint = stored.fingerprint[:120]
    method.expires_on = stored.expires_on
    method.state_reason = stored.reason[:200]
    if stored.usable:
        method.state, method.revoked_by, method.revoked_at = State.USABLE, RevokedBy.NOBODY, None
    elif method.state == State.USABLE:
        method.state, method.revoked_by, method.revoked_at = State.REVOKED, RevokedBy.PROVIDER, clock.now()


def _replace_older_tokens(method: PaymentMethod) -> None:
    if not method.fingerprint:
        return
    older = PaymentMethod.objects.usable().filter(
        customer=method.customer_id, account=method.account_id, fingerprint=method.fingerprint
    )
    for same in older.exclude(pk=method.pk):
        remove_method(method_id=same.pk, by=RevokedBy.REPLACED)


@transaction.atomic
def make_default(*, method_id: int) -> PaymentMethod:
    """What becomes due is collected through it from now on; one that is not usable stays as it is."""
    method = _lock_method(method_id)
    if method.state == State.USABLE and not method.is_default:
        PaymentMethod.objects.filter(customer=method.customer_id, is_default=True).update(is_default=False)
        method.is_default = True
        method.save(update_fields=["is_default"])
        reopen(method)
    return method


def reopen(method: PaymentMethod) -> None:
    """What was given up for want of a way to pay is charged by the next run."""
    today = clock.local_day(clock.now(), method.customer.issuer)
    reopen_charges(customer_id=method.customer_id, today=today)


@transaction.atomic
def remove_method(*, method_id: int, by: str, reason: str = "") -> PaymentMethod:
    """Nothing is collected through it any more, and the provider forgets it; the row stays, with ``reason``.

    ``by`` is a ``PaymentMethod.RevokedBy``. The newest one left becomes the default where it was.
    """
    method = _lock_method(method_id)
    if method.state == State.USABLE:
        end_method(method, by=by, reason=reason)
        _let_the_provider_forget(method)
    return method


def end_method(method: PaymentMethod, *, by: str, reason: str) -> None:
    """Revoke; the caller holds the customer's lock."""
    was_default = method.is_default
    method.state, method.revoked_by, method.revoked_at = State.REVOKED, by, clock.now()
    method.state_reason, method.is_default = reason[:200], False
    method.save(update_fields=["state", "revoked_by", "revoked_at", "state_reason", "is_default"])
    if was_default:
        choose_default(method.customer_id)


def choose_default(customer_id: int) -> None:
    """The newest usable method, where none is the default; the caller holds the customer's lock."""
    usable = PaymentMethod.objects.usable().filter(customer=customer_id)
    newest = usable.order_by("-pk").first()
    if newest is not None and not usable.filter(is_default=True).exists():
        newest.is_default = True
        newest.save(update_fields=["is_default"])


def _lock_method(method_id: int) -> PaymentMethod:
    customer_id = PaymentMethod.objects.values_list("customer_id", flat=True).get(pk=method_id)
    Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    return PaymentMethod.objects.select_for_update(no_key=True, of=("self",)).get(pk=method_id)


def _let_the_provider_forget(method: PaymentMethod) -> None:
    try:
        keeps_methods = get_provider(method.provider).capabilities.methods
    except UnknownProvider:
        return
    if keeps_methods:
        outbox.hint(MethodRemoval.objects.get_or_create(method=method)[0])
