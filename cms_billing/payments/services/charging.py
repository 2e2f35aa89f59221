"""Collect what is due from stored payment methods: a row first, then the call, then what the provider says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings
from cms_billing.core.money import Money
from cms_billing.faktura.models import Customer, Issuer, OpenItem

from ..models import Payment, PaymentMethod
from ..providers import ChargeRequest, Notice, OutcomeUnknown, Status, all_providers, get_provider
from ..signals import payment_failed
from .receiving import charge_back, settle_payment

UNDER_WAY = (Payment.State.CREATED, Payment.State.PENDING)


def chargeable_items(issuer: Issuer, *, today: date):
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
    tried = Payment.objects.filter(document=OuterRef("document"), way=Payment.Way.PROVIDER)
    return OpenItem.objects.open().filter(Exists(method), ~Exists(tried), issuer=issuer, due_on__lte=today)


@transaction.atomic
def collect_due(*, issuer: Issuer, today: date) -> list[Payment]:
    """Write the next chunk of charges, each with its own idempotency key; the outbox sends them after commit."""
    items = list(
        chargeable_items(issuer, today=today)
        .order_by("pk")
        .select_for_update(skip_locked=True, no_key=True, of=("self",))[: billing_settings().chunk_size]
    )
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
    )


def carry_out_payment(payment: Payment) -> Callable[[], None] | None:
    """Outside work of a payment: charge it, or find out what became of a charge whose answer was lost."""
    provider = get_provider(payment.provider)
    notice = None
    if payment.attempts > 1 or payment.reference:
        notice = provider.look_up(reference=payment.reference, idempotency_key=payment.idempotency_key)
    if notice is None:
        notice = _charge(payment)
    return partial(take_news, payment_id=payment.pk, notice=notice)


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


@transaction.atomic
def take_news(*, payment_id: int, notice: Notice) -> None:
    """Record what the provider says now. A later success wins over an earlier failure; nothing is booked twice."""
    customer_id = Payment.objects.values_list("customer_id", flat=True).get(pk=payment_id)
    Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    payment = Payment.objects.select_for_update(no_key=True).select_related("issuer").get(pk=payment_id)
    day = clock.today(payment.issuer)
    if notice.reference and not payment.reference:
        payment.reference = notice.reference
        payment.save(update_fields=["reference"])
    if notice.status is Status.SETTLED:
        settle_payment(payment_id=payment.pk, day=day)
    elif notice.status is Status.CHARGED_BACK:
        settle_payment(payment_id=payment.pk, day=day)
        charge_back(payment_id=payment.pk, day=day, reason=notice.reason)
    elif notice.status is Status.PENDING and payment.state == Payment.State.CREATED:
        payment.state = Payment.State.PENDING
        payment.save(update_fields=["state"])
    elif notice.status is Status.FAILED and payment.state in UNDER_WAY:
        payment.state, payment.reason = Payment.State.FAILED, notice.reason[:200]
        payment.save(update_fields=["state", "reason"])
        tell = partial(payment_failed.send_robust, sender=Payment, payment_id=payment.pk, day=day)
        transaction.on_commit(tell, robust=True)


def resync(payment: Payment) -> None:
    """Ask the provider again, whatever we believe: for a person who doubts, and for payments that stay open."""
    provider = get_provider(payment.provider)
    notice = provider.look_up(reference=payment.reference, idempotency_key=payment.idempotency_key)
    if notice is not None:
        take_news(payment_id=payment.pk, notice=notice)
