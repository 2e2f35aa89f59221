"""A webhook is a hint: verified, stored raw, then processed once by asking the provider."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from django.db import transaction

from cms_billing.core import clock, outbox

from ..models import Payment, WebhookEvent
from ..providers import Notice, UnknownProvider, get_provider
from .news import take_news


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
    """Outside work of a webhook: ask about every payment it speaks of. Unknown references are somebody else's."""
    asked_at = clock.now()
    news = [
        partial(
            take_news,
            payment_id=payment.pk,
            notice=notice,
            asked_at=asked_at,
            today=clock.local_day(asked_at, payment.issuer),
        )
        # In the order of the customers: two events that speak of the same ones never wait for each other in a circle.
        for payment, notice in sorted(_found(event), key=lambda found: found[0].customer_id)
    ]

    def record() -> None:
        for take in news:
            take()

    return record


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
