"""A webhook is a hint: verified, stored raw, then processed once by asking the provider."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q, QuerySet

from cms_billing.core import clock, outbox
from cms_billing.core.conf import billing_settings
from cms_billing.faktura.models import Issuer

from .. import exceptions as errors
from ..credentials import provider_for, provider_of
from ..models import Payer, Payment, PaymentSession, ProviderAccount, Refund, WebhookEvent, WebhookReference
from ..providers import Notice, Provider, UnknownProvider, all_providers, get_provider
from .asking import ask_about
from .late_methods import take_late_method
from .news import take_news
from .refunding import news_of_refunds
from .sessions import ask_about_page, take_page_news
from .syncing import ask_about_methods, take_methods_news


@transaction.atomic
def store_webhook(
    *, provider_code: str, body: bytes, headers: Mapping[str, str], account_slug: str = ""
) -> WebhookEvent:
    """Verify and keep. A repetition of an event that still waits is the same event.

    One that has been worked on is kept again: some providers send the same body for different news.
    Raises UnknownProvider (also for an account that is not there), WebhookRefused.
    """
    account = _account(provider_code, account_slug)
    provider = provider_for(account) if account else get_provider(provider_code)
    if not provider.capabilities.webhooks or provider.capabilities.accounts != (account is not None):
        raise UnknownProvider(provider_code)
    references = list(dict.fromkeys(provider.read_webhook(body=body, headers=headers)))
    digest = hashlib.sha256(body).hexdigest()
    alike = WebhookEvent.objects.filter(
        provider=provider_code, account=account, digest=digest, work_state=WebhookEvent.WorkState.PENDING
    )
    # Not its body, which is the same.
    waiting = alike.only("pk").first()
    if waiting is None:
        waiting = WebhookEvent.objects.create(
            provider=provider_code, account=account, body=body, digest=digest, references=references
        )
        WebhookReference.objects.bulk_create(
            WebhookReference(event=waiting, reference=reference[:120]) for reference in references
        )
    outbox.hint(waiting)
    return waiting


def _account(provider_code: str, slug: str) -> ProviderAccount | None:
    if not slug:
        return None
    try:
        return ProviderAccount.objects.get(provider=provider_code, slug=slug)
    except ProviderAccount.DoesNotExist:
        raise UnknownProvider(provider_code) from None


def process_webhook(event: WebhookEvent) -> Callable[[], None]:
    """Outside work of a webhook: ask about every payment and refund it speaks of. Unknown ones are somebody else's."""
    # In the order of the customers: two events that speak of the same ones never wait for each other in a circle.
    news = sorted([*_news_of_payments(event), *_news_of_refunds(event)], key=lambda found: found[0])
    news += _news_of_pages(event)
    news += _news_of_methods(event)

    def record() -> None:
        for _customer_id, take in news:
            take()
        WebhookEvent.objects.filter(pk=event.pk).update(concerned=len(news))

    return record


@transaction.atomic
def process_again(*, event_id: int) -> WebhookEvent:
    """A person asks for an event to be worked on once more: the provider is asked again, nothing is booked twice.

    Raises StillAtWork while a worker has it.
    """
    event = WebhookEvent.objects.select_for_update(no_key=True, of=("self",)).get(pk=event_id)
    if event.work_state == WebhookEvent.WorkState.RUNNING:
        raise errors.still_at_work()
    WebhookEvent.objects.filter(pk=event.pk).update(
        work_state=WebhookEvent.WorkState.PENDING, attempts=0, next_try_at=None, last_error="", done_at=None
    )
    outbox.hint(event)
    return event


def delete_old_webhooks(*, issuer: Issuer, now: datetime, limit: int = 10_000) -> int:
    """Delete events that were worked on ``WEBHOOK_DAYS`` ago; returns how many. 0 days: none, ever.

    The webhooks of providers that cannot be asked are their books here and stay, as does what failed or still waits.
    """
    days = billing_settings().webhook_days
    if days <= 0:
        return 0
    old = WebhookEvent.objects.filter(
        Q(account=None) | Q(account__issuer=issuer),
        work_state=WebhookEvent.WorkState.DONE,
        provider__in=[code for code, found in all_providers().items() if found.capabilities.can_be_asked],
        received_at__lt=now - timedelta(days=days),
    )
    pks = list(old.order_by("pk").values_list("pk", flat=True)[:limit])
    for start in range(0, len(pks), 1000):
        WebhookEvent.objects.filter(pk__in=pks[start : start + 1000]).delete()
    return len(pks)


News = Iterator[tuple[int, Callable[[], object]]]


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
    provider = provider_of(event)
    if not provider.capabilities.refunds:
        return
    mine = {"provider": event.provider, "account_id": event.account_id}
    ours = Refund.objects.filter(**mine).select_related("payment", "issuer", "account")
    named = ours.filter(
        Q(reference__in=event.references)
        | Q(payment__reference__in=event.references, payment__provider=event.provider)
    ).exclude(state=Refund.State.WITHDRAWN, reference="")
    refunds = {refund.pk: refund for refund in named}
    known = {refund.reference for refund in refunds.values()}
    for refund in _overtaking(provider, ours, [r for r in event.references if r not in known]):
        refunds.setdefault(refund.pk, refund)
    yield from news_of_refunds(list(refunds.values()))


def _news_of_pages(event: WebhookEvent) -> News:
    """Pages that payers completed or left. Once the money is a payment of ours, it is told as that; what is still
    asked about then is the method, where it was not known yet."""
    if event.account_id is None:
        return
    keys = [key for reference in event.references if (key := _key(reference))]
    sessions = PaymentSession.objects.filter(
        Q(reference__in=event.references)
        | Q(payment_reference__in=event.references)
        | Q(idempotency_key__in=keys),
        Q(payment=None) | Q(awaits_method=True),
        account=event.account_id,
    ).exclude(reference="")
    for session in sessions.select_related("account", "payer").order_by("pk"):
        asked_at = clock.now()
        notice = ask_about_page(session)
        if notice is None:
            continue
        if session.awaits_method:
            yield 0, partial(take_late_method, session_id=session.pk, notice=notice)
        else:
            yield 0, partial(take_page_news, session_id=session.pk, notice=notice, asked_at=asked_at)


def _news_of_methods(event: WebhookEvent) -> News:
    """Of payers and methods that are named: cards that were renewed, mandates that were revoked."""
    if event.account_id is None or not provider_of(event).capabilities.methods:
        return
    keys = [key for reference in event.references if (key := _key(reference.removeprefix("m-")))]
    payers = Payer.objects.filter(
        Q(reference__in=event.references)
        | Q(key__in=keys)
        | Q(payment_methods__reference__in=event.references),
        account=event.account_id,
    ).distinct()
    for payer in payers.select_related("account").order_by("pk"):
        asked_at = clock.now()
        stored = ask_about_methods(payer)
        yield 0, partial(take_methods_news, payer_id=payer.pk, stored=stored, asked_at=asked_at)


def _key(reference: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(reference)
    except ValueError:
        return None


def _overtaking(provider: Provider, ours: QuerySet[Refund], references: Sequence[str]) -> Iterator[Refund]:
    """Refunds whose webhook came before the answer to our request: only the key tells whose they are."""
    if not ours.filter(reference="", state__in=[Refund.State.CREATED, Refund.State.PENDING]).exists():
        return
    for reference in dict.fromkeys(references):
        notice = provider.look_up_refund(reference=reference, payment_reference="", idempotency_key=None)
        if notice is not None and notice.idempotency_key is not None:
            yield from ours.filter(idempotency_key=notice.idempotency_key)


def _found(event: WebhookEvent) -> Iterator[tuple[Payment, Notice]]:
    provider = provider_of(event)
    mine = {"provider": event.provider, "account_id": event.account_id}
    ours = Payment.objects.filter(**mine).select_related("issuer", "account", "method")
    known = {payment.reference: payment for payment in ours.filter(reference__in=event.references)}
    asked: set[int] = set()
    for reference in dict.fromkeys(event.references):
        payment = known.get(reference) or _of_key(ours, reference)
        if payment is not None and payment.pk in asked:
            continue
        if payment is not None:
            asked.add(payment.pk)
        notice = _asked(provider, reference, payment)
        if notice is None:
            continue
        # The webhook may overtake the answer to the charge: then only the key tells whose it is.
        if payment is None and notice.idempotency_key is not None:
            payment = ours.filter(idempotency_key=notice.idempotency_key).first()
        if payment is not None:
            yield payment, notice


def _of_key(ours: QuerySet[Payment], reference: str) -> Payment | None:
    """Providers that echo our key tell it with the first webhook, which may overtake the answer to the charge."""
    key = _key(reference)
    return None if key is None else ours.filter(idempotency_key=key).first()


def _asked(provider: Provider, reference: str, payment: Payment | None) -> Notice | None:
    if payment is not None:
        return ask_about(payment, provider)
    return provider.look_up(reference=reference, idempotency_key=None)
