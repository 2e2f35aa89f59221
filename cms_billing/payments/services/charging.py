"""Collect what is due from stored payment methods: a row first, then the call, then what the provider says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings
from cms_billing.core.money import Money
from cms_billing.faktura.models import Issuer, OpenItem

from ..models import Payment, PaymentMethod
from ..providers import ChargeRequest, Notice, OutcomeUnknown, all_providers, get_provider
from .news import take_news

# Providers remember an idempotency key for a day or more; a charge that may be older is looked up first.
KEY_IS_FRESH = timedelta(hours=1)


def chargeable_items(issuer: Issuer, *, today: date) -> QuerySet[OpenItem]:
    """Open items due today whose customer has a usable method at a provider that collects, with no charge made yet.

    One charge a document: what failed is retried by the retry policy, not by the next run.
    """
    collecting = [code for code, provider in all_providers().items() if provider.capabilities.charges]
    method = PaymentMethod.objects.filter(
        customer=OuterRef("customer"),
        state=PaymentMethod.State.USABLE,
        is_default=True,
        provider__in=collecting,
    )
    tried = Payment.objects.filter(document=OuterRef("document"), way=Payment.Way.PROVIDER).exclude(
        state=Payment.State.WITHDRAWN
    )
    return OpenItem.objects.open().filter(Exists(method), ~Exists(tried), issuer=issuer, due_on__lte=today)


@transaction.atomic
def collect_due(*, issuer: Issuer, today: date) -> list[Payment]:
    """Write the next chunk of charges, each with its own idempotency key; the outbox sends them after commit."""
    locked = list(
        chargeable_items(issuer, today=today)
        .order_by("pk")
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
        .values_list("pk", flat=True)[: billing_settings().chunk_size]
    )
    # Asked again under the lock: another worker may have written its charges after our question and before the lock.
    items = list(chargeable_items(issuer, today=today).filter(pk__in=locked).order_by("pk"))
    methods = PaymentMethod.objects.filter(
        customer__in=[item.customer_id for item in items], state=PaymentMethod.State.USABLE, is_default=True
    )
    by_customer = {method.customer_id: method for method in methods}
    return Payment.objects.bulk_create(
        Payment(
            issuer_id=item.issuer_id,
            customer_id=item.customer_id,
            provider=by_customer[item.customer_id].provider,
            way=Payment.Way.PROVIDER,
            method=by_customer[item.customer_id],
            document_id=item.document_id,
            amount_minor=item.open_minor,
            currency=item.currency,
        )
        for item in items
        if item.customer_id in by_customer
    )


def carry_out_payment(payment: Payment) -> Callable[[], None] | None:
    """Outside work of a payment: charge it, or find out what became of a charge whose answer was lost."""
    provider = get_provider(payment.provider)
    asked_at = clock.now()
    notice = None
    if may_have_been_sent(payment):
        notice = provider.look_up(reference=payment.reference, idempotency_key=payment.idempotency_key)
    if notice is None:
        if no_longer_owed(payment):
            return partial(withdraw, payment_id=payment.pk)
        notice = _charge(payment)
    return partial(
        take_news,
        payment_id=payment.pk,
        notice=notice,
        asked_at=asked_at,
        today=clock.local_day(asked_at, payment.issuer),
    )


def may_have_been_sent(payment: Payment) -> bool:
    """A first attempt just made cannot have been; all else might: ``attempts`` starts over when a person retries."""
    return payment.attempts > 1 or bool(payment.reference) or payment.created_at < clock.now() - KEY_IS_FRESH


def no_longer_owed(payment: Payment) -> bool:
    """Somebody paid or cancelled the document between the run that wrote the charge and now."""
    if payment.document_id is None:
        return False
    return not OpenItem.objects.filter(
        document=payment.document_id, open_minor__gte=payment.amount_minor
    ).exists()


def withdraw(*, payment_id: int) -> None:
    """Never sent, never will be. What is still owed of the document may be charged anew."""
    Payment.objects.filter(pk=payment_id, state=Payment.State.CREATED).update(
        state=Payment.State.WITHDRAWN, reason=_("No longer owed in this amount.")
    )


def _charge(payment: Payment) -> Notice:
    provider = get_provider(payment.provider)
    request = ChargeRequest(
        idempotency_key=payment.idempotency_key,
        amount=Money(payment.amount_minor, payment.currency),
        method_reference=payment.method.reference if payment.method else "",
        description=payment.document.number if payment.document else "",
        issuer_id=payment.issuer_id,
    )
    try:
        return provider.charge(request)
    except OutcomeUnknown:
        found = provider.look_up(reference="", idempotency_key=payment.idempotency_key)
        if found is None:
            raise
        return found
