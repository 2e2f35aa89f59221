"""A webhook is a hint: verified, stored raw, then processed once by asking the provider."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from cms_billing.core import clock, outbox

from ..models import Payment, Refund, WebhookEvent
from ..providers import Notice, Provider, UnknownProvider, get_provider
from .news import take_news
from .refunding import news_of_refunds


@transaction.atomic
def store_webhook(*, provider_code: str, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
    """Verify and keep. A repetition of an event that still waits is the same event.

    One that has been worked on is kept again: some providers send the same body for different news.
    Raises UnknownProvider, WebhookRefused.
    """
    provider = get_provider(provider_code)
    if not provider.capabilities.webhooks:
        raise UnknownProvider(provider_code)
    references = provider.read_webhook(body=body, headers=headers)
    digest = hashlib.sha256(body).hexdigest()
    waiting = WebhookEvent.objects.filter(
        provider=provider_code, digest=digest, work_state=WebhookEvent.WorkState.PENDING
    ).first()
    event = waiting or WebhookEvent.objects.create(
        provider=provider_code, body=body, digest=digest, references=references
    )
    outbox.hint(event)
    return event


def process_webhook(event: WebhookEvent) -> Callable[[], None]:
    """Outside work of a webhook: ask about every payment and refund it speaks of. Unknown ones are somebody else's."""
    # In the order of the customers: two events that speak of the same ones never wait for each other in a circle.
    news = sorted([*_news_of_payments(event), *_news_of_refunds(event)], key=lambda found: found[0])

    def record() -> None:
        for _customer_id, take in news:
            take()

    return record


News = Iterator[tuple[int, Callable[[], None]]]


def _news_of_payments(event: WebhookEvent) -> News:
    asked_at = clock.now()
    for payment, notice in _found(event):
        yield (
            payment.customer_id,
            partial(
                take_news,
                payment_id=payment.pk,
                notice=notice,
                asked_at=asked_at,
                today=clock.local_day(asked_at, payment.issuer),
            ),
        )


def _news_of_refunds(event: WebhookEvent) -> News:
    """Of the refunds that are named, and of all of a payment that is: some providers name the payment only."""
    provider = get_provider(event.provider)
    if not provider.capabilities.refunds:
        return
    ours = Refund.objects.filter(provider=event.provider).select_related("payment", "issuer")
    named = ours.filter(
        Q(reference__in=event.references)
        | Q(payment__reference__in=event.references, payment__provider=event.provider)
    ).exclude(state=Refund.State.WITHDRAWN, reference="")
    refunds = {refund.pk: refund for refund in named}
    known = {refund.reference for refund in refunds.values()}
    for refund in _overtaking(provider, ours, [r for r in event.references if r not in known]):
        refunds.setdefault(refund.pk, refund)
    yield from news_of_refunds(list(refunds.values()))


def _overtaking(provider: Provider, ours: QuerySet[Refund], references: Sequence[str]) -> Iterator[Refund]:
    """Refunds whose webhook came before the answer to our request: only the key tells whose they are."""
    if not ours.filter(reference="", state__in=[Refund.State.CREATED, Refund.State.PENDING]).exists():
        return
    for reference in dict.fromkeys(references):
        notice = provider.look_up_refund(reference=reference, payment_reference="", idempotency_key=None)
        if notice is not None and notice.idempotency_key is not None:
            yield from ours.filter(idempotency_key=notice.idempotency_key)


def _found(event: WebhookEvent) -> Iterator[tuple[Payment, Notice]]:
    provider = get_provider(event.provider)
    ours = Payment.objects.filter(provider=event.provider).select_related("issuer")
    known = {payment.reference: payment for payment in ours.filter(reference__in=event.references)}
    for reference in dict.fromkeys(event.references):
        payment = known.get(reference)
        notice = _asked(provider, reference, payment)
        if notice is None:
            continue
        # The webhook may overtake the answer to the charge: then only the key tells whose it is.
        if payment is None and notice.idempotency_key is not None:
            payment = ours.filter(idempotency_key=notice.idempotency_key).first()
        if payment is not None:
            yield payment, notice


def _asked(provider: Any, reference: str, payment: Payment | None) -> Notice | None:
    key = payment.idempotency_key if payment else None
    return provider.look_up(reference=reference, idempotency_key=key)
