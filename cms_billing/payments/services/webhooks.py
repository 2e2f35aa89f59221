"""A webhook is a hint: stored raw and verified, then processed once by asking the provider."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial

from django.db import transaction

from cms_billing.core import outbox

from ..models import Payment, WebhookEvent
from ..providers import get_provider
from .charging import take_news


@transaction.atomic
def store_webhook(*, provider_code: str, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
    """Verify and keep. Raises UnknownProvider, WebhookRefused."""
    references = get_provider(provider_code).read_webhook(body=body, headers=headers)
    event = WebhookEvent.objects.create(
        provider=provider_code, body=body, digest=hashlib.sha256(body).hexdigest(), references=references
    )
    outbox.hint(event)
    return event


def process_webhook(event: WebhookEvent) -> Callable[[], None]:
    """Outside work of a webhook: fetch every payment it speaks of. Unknown references are somebody else's."""
    provider = get_provider(event.provider)
    payments = Payment.objects.filter(provider=event.provider, reference__in=event.references)
    news = []
    for payment in payments:
        notice = provider.look_up(reference=payment.reference, idempotency_key=payment.idempotency_key)
        if notice is not None:
            news.append(partial(take_news, payment_id=payment.pk, notice=notice))

    def record() -> None:
        for take in news:
            take()

    return record
