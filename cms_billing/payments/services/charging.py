"""Collect what is due from stored payment methods: a row first, then the call, then what the provider says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings
from cms_billing.core.money import Money
from cms_billing.faktura.models import Issuer, OpenItem

from ..charge_holds import holds_on
from ..credentials import provider_of
from ..links import account_webhook_url, result_url
from ..models import ChargePlan, Payment, PaymentMethod, SessionDocument
from ..providers import ChargeRequest, Notice, OutcomeUnknown, all_providers
from ..selectors import on_a_page
from .asking import ask_about, require_repeatable
from .news import UNDER_WAY, take_news
from .plans import put_off_worn_out
from .receiving import lock_payment

# Providers remember an idempotency key for a day or more; a charge that may be older is looked up first.
KEY_IS_FRESH = timedelta(hours=1)


def chargeable_items(issuer: Issuer, *, today: date) -> QuerySet[OpenItem]:
    """Open items due today whose customer has a usable method at a provider that collects, with nothing under way.

    What was refused waits for the day of its plan (``plans``); what is being paid on a page is left alone.
    """
    collecting = [code for code, provider in all_providers().items() if provider.capabilities.charges]
    method = PaymentMethod.objects.filter(
        customer=OuterRef("customer"),
        state=PaymentMethod.State.USABLE,
        is_default=True,
        provider__in=collecting,
    )
    charged = Payment.objects.filter(document=OuterRef("document"), state__in=UNDER_WAY)
    later = ChargePlan.objects.filter(Q(next_on=None) | Q(next_on__gt=today), document=OuterRef("document"))
    due = OpenItem.objects.open().filter(issuer=issuer, due_on__lte=today)
    paying = SessionDocument.objects.filter(on_a_page(now=clock.now()), document=OuterRef("document"))
    return due.filter(Exists(method), ~Exists(charged), ~Exists(later), ~Exists(paying))


@transaction.atomic
def collect_due(*, issuer: Issuer, today: date) -> list[Payment]:
    """Write the next chunk of charges, each with its own idempotency key; the outbox sends them after commit.

    What is held back (``charge_holds``) is passed over, or charged in the part that is due. Empty: nothing is left to
    charge today.
    """
    after = 0
    while items := _locked_items(issuer, today=today, after=after):
        after = items[-1].pk
        amounts = chargeable_amounts(items, today=today)
        items = [item for item in items if item.pk in amounts]
        methods = _default_methods(items)
        later = put_off_worn_out(items, methods, today=today)
        charges = [
            _charge_of(item, methods[item.customer_id], amounts[item.pk])
            for item in items
            if item.customer_id in methods and item.pk not in later
        ]
        if charges:
            return Payment.objects.bulk_create(charges)
    return []


def chargeable_amounts(items: Sequence[OpenItem], *, today: date) -> dict[int, int]:
    """By document: how much of it may be charged today. What is held back whole is not there."""
    holds = holds_on([item.pk for item in items], today)
    amounts = {
        item.pk: min(item.open_minor, holds[item.pk].up_to_minor) if item.pk in holds else item.open_minor
        for item in items
    }
    return {pk: amount for pk, amount in amounts.items() if amount > 0}


def _locked_items(issuer: Issuer, *, today: date, after: int) -> list[OpenItem]:
    locked = list(
        chargeable_items(issuer, today=today)
        .filter(pk__gt=after)
        .order_by("pk")
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
        .values_list("pk", flat=True)[: billing_settings().chunk_size]
    )
    # Asked again under the lock: another worker may have written its charges after our question and before the lock.
    return list(chargeable_items(issuer, today=today).filter(pk__in=locked).order_by("pk"))


def _default_methods(items: Sequence[OpenItem]) -> dict[int, PaymentMethod]:
    """By customer."""
    methods = PaymentMethod.objects.filter(
        customer__in=[item.customer_id for item in items], state=PaymentMethod.State.USABLE, is_default=True
    )
    return {method.customer_id: method for method in methods}


def _charge_of(item: OpenItem, method: PaymentMethod, amount_minor: int) -> Payment:
    return Payment(
        issuer_id=item.issuer_id,
        customer_id=item.customer_id,
        provider=method.provider,
        way=Payment.Way.PROVIDER,
        account_id=method.account_id,
        method=method,
        document_id=item.document_id,
        amount_minor=amount_minor,
        currency=item.currency,
    )


def carry_out_payment(payment: Payment) -> Callable[[], None] | None:
    """Outside work of a payment: charge it, or find out what became of a charge whose answer was lost."""
    provider = provider_of(payment)
    asked_at = clock.now()
    notice = None
    if may_have_been_sent(payment):
        notice = ask_about(payment, provider)
    if notice is None:
        if no_longer_owed(payment):
            return partial(withdraw, payment_id=payment.pk)
        if reason := held_back(payment, today=clock.local_day(asked_at, payment.issuer)):
            return partial(withdraw, payment_id=payment.pk, reason=reason)
        if may_have_been_sent(payment):
            require_repeatable(payment, provider)
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


def held_back(payment: Payment, *, today: date) -> str:
    """Why a charge is not to be sent now, where something was agreed or decided after the run that wrote it."""
    if payment.document_id is None:
        return ""
    hold = holds_on([payment.document_id], today).get(payment.document_id)
    return hold.reason if hold is not None and hold.up_to_minor < payment.amount_minor else ""


def withdraw(*, payment_id: int, reason: str = "") -> None:
    """Never sent, never will be. What is still owed of the document may be charged anew."""
    Payment.objects.filter(pk=payment_id, state=Payment.State.CREATED).update(
        state=Payment.State.WITHDRAWN, reason=(reason or _("No longer owed in this amount."))[:200]
    )


@transaction.atomic
def enter_never_charged(*, payment_id: int, user: Any = None) -> Payment:
    """A person has looked: the provider has no such charge, although its outcome was lost. Anything else stays."""
    payment = lock_payment(payment_id)
    if payment.state == Payment.State.CREATED and payment.work_state == Payment.WorkState.FAILED:
        payment.state, payment.work_state = Payment.State.WITHDRAWN, Payment.WorkState.DONE
        payment.reason = _("Never charged.")
        payment.save(update_fields=["state", "work_state", "reason"])
        log(instance=payment, action="cms_billing.never_charged", user=user)
    return payment


def _charge(payment: Payment) -> Notice:
    provider, method = provider_of(payment), payment.method
    request = ChargeRequest(
        idempotency_key=payment.idempotency_key,
        amount=Money(payment.amount_minor, payment.currency),
        method_reference=method.reference if method else "",
        description=payment.document.number if payment.document else "",
        issuer_id=payment.issuer_id,
        payer_reference=_payer_reference(method),
        kind=method.kind if method else "",
        webhook_url=account_webhook_url(payment.account) if payment.account else "",
        return_url=result_url(),
    )
    try:
        return provider.charge(request)
    except OutcomeUnknown:
        found = ask_about(payment, provider)
        if found is None:
            raise
        return found


def _payer_reference(method: PaymentMethod | None) -> str:
    return str(method.payer) if method and method.payer_id else ""
