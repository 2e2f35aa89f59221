"""What becomes of a document whose charge was refused or came back: another attempt on a day, or none and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet

from cms_billing.core import clock
from cms_billing.faktura.models import OpenItem

from ..models import ChargePlan, Payment, PaymentMethod, RefusalRule, RetryPolicy
from ..refusals import Refusal, refusal_of
from ..retries import Policy, RetryDecision, RetryTerms, Stop, allowed_day, next_attempt, terms_for
from ..selectors import asked_for

# What a new way to pay mends. A chargeback is no matter of the card: the member does not want to pay, or not this.
_MENDED = (Stop.HARD, Stop.NEEDS_MEMBER, Stop.UNKNOWN, Stop.ALL_ATTEMPTS, Stop.WINDOW)


def explain(provider: str, code: str, advice: str = "", *, final: bool = False, today: date) -> Refusal:
    """What a refusal means, by the shipped map and what editors decided. One query."""
    rules = RefusalRule.objects.filter(provider=provider, code=code) if code else []
    overrulings = [rule.as_value() for rule in rules]
    return refusal_of(provider, code, advice, final=final, overrulings=overrulings, today=today)


def policies_of(issuer_id: int, *, today: date) -> list[Policy]:
    """Every retry policy that may concern the issuer's charges today. One query."""
    rows = RetryPolicy.objects.filter(Q(issuer=None) | Q(issuer=issuer_id), valid_from__lte=today)
    return [row.as_value() for row in rows]


def _terms_of(payment: Payment, *, today: date) -> RetryTerms:
    return terms_for(
        policies_of(payment.issuer_id, today=today),
        issuer_id=payment.issuer_id,
        provider=payment.provider,
        kind=payment.method.kind if payment.method else "",
        today=today,
    )


@transaction.atomic
def plan_after_refusal(payment: Payment, refusal: Refusal, *, today: date) -> list[ChargePlan]:
    """Written with the refusal: the next attempt at each document it was to pay, or why there is none.

    What a payer paid on a page, days ago, with a card or account they stored there, counts as an attempt: the next
    charge takes the same one. With one they did not store it says nothing of what is charged next; empty then.
    """
    if payment.session_id is not None and payment.method_id is None:
        return []
    return [_plan(payment, pk, refusal, today=today) for pk in asked_for(payment)]


def _plan(payment: Payment, document_id: int, refusal: Refusal, *, today: date) -> ChargePlan:
    terms = _terms_of(payment, today=today)
    plan = ChargePlan.objects.filter(pk=document_id).first()
    attempts = _attempts(payment, document_id=document_id, since=plan.round_since if plan else None)
    decision = next_attempt(
        terms,
        refusal.kind,
        attempts,
        today=today,
        wait_days=refusal.wait_days,
        on_instrument=_refused_on_instrument(payment, today=today),
    )
    if decision.stop in (Stop.HARD, Stop.NEEDS_MEMBER) and _has_newer_method(payment):
        decision = RetryDecision(today + timedelta(days=1))
    return _write(document_id, payment.provider, refusal, decision, len(attempts), today=today)


def _has_newer_method(payment: Payment) -> bool:
    """The member has mended by now what this charge, sent before, stumbled over."""
    newer = PaymentMethod.objects.filter(
        customer=payment.customer_id,
        state=PaymentMethod.State.USABLE,
        is_default=True,
        created_at__gt=payment.created_at,
    )
    return newer.exclude(pk=cast(int, payment.method_id)).exists()


@transaction.atomic
def plan_after_chargeback(
    payment: Payment, document_ids: Iterable[int], refusal: Refusal, *, today: date
) -> None:
    """What came back is not taken again by itself, unless the policy says so and the bank's reason may pass."""
    terms = _terms_of(payment, today=today)
    for document_id in document_ids:
        attempts = _attempts(payment, document_id=document_id)
        decision = RetryDecision(None, Stop.CHARGED_BACK)
        if terms.after_chargeback and document_id == payment.document_id:
            refused = _refused_on_instrument(payment, today=today)
            retry = next_attempt(
                terms,
                refusal.kind,
                attempts,
                today=today,
                wait_days=refusal.wait_days,
                on_instrument=refused,
            )
            decision = retry if retry.on else decision
        _write(document_id, payment.provider, refusal, decision, len(attempts), today=today)


def _write(
    document_id: int,
    provider: str,
    refusal: Refusal,
    decision: RetryDecision,
    attempts: int,
    *,
    today: date,
) -> ChargePlan:
    values = {
        "attempts": attempts,
        "next_on": decision.on,
        "stopped_because": decision.stop.value if decision.stop else "",
        "provider": provider,
        "refusal_code": refusal.code[:80],
        "refusal_advice": refusal.advice[:80],
        "refusal_class": refusal.kind.value,
        "refused_on": today,
        "updated_at": clock.now(),
    }
    plan, _created = ChargePlan.objects.update_or_create(document_id=document_id, defaults=values)
    return plan


def _attempts(payment: Payment, *, document_id: int, since: datetime | None = None) -> list[datetime]:
    """When the document was charged in this round, in the issuer's time, oldest first; this payment included."""
    charged = Q(document=document_id, session=None) | Q(pk=payment.pk)
    charges = Payment.objects.filter(charged, way=Payment.Way.PROVIDER).exclude(state=Payment.State.WITHDRAWN)
    if since is not None:
        charges = charges.filter(created_at__gte=since)
    zone = ZoneInfo(payment.issuer.time_zone)
    times = charges.values_list("asked_at", "created_at")
    return sorted((asked or created).astimezone(zone) for asked, created in times)


def put_off_worn_out(
    items: Sequence[OpenItem], methods: Mapping[int, PaymentMethod], *, today: date
) -> dict[int, date]:
    """Of items about to be charged, those whose card or account has been refused as often as it may: to when.

    ``methods`` by customer. Two queries, and one more for each that is put off.
    """
    refused = _refusals_by_instrument(methods.values(), today=today)
    policies = policies_of(items[0].issuer_id, today=today) if refused else []
    later = {}
    for item in items:
        method = methods.get(item.customer_id)
        days = refused.get(_instrument(method)) if method else None
        if not days or method is None:
            continue
        terms = terms_for(
            policies, issuer_id=item.issuer_id, provider=method.provider, kind=method.kind, today=today
        )
        day = allowed_day(replace(terms, avoids_weekends=False), today, days)
        if day > today:
            later[item.pk] = day
    for document_id, day in later.items():
        ChargePlan.objects.update_or_create(
            document_id=document_id, defaults={"next_on": day, "updated_at": clock.now()}
        )
    return later


# The longest span a policy's cap may look back on.
_LONGEST_CAP = timedelta(days=180)


def _instrument(method: PaymentMethod) -> tuple[str, int | None, str, int]:
    """Alike for all tokens of one card or account."""
    own = 0 if method.fingerprint else method.pk
    return method.provider, method.account_id, method.fingerprint, own


def _refusals_by_instrument(
    methods: Iterable[PaymentMethod], *, today: date
) -> dict[tuple[str, int | None, str, int], list[date]]:
    wanted = {_instrument(method) for method in methods}
    fingerprints = {fingerprint for _p, _a, fingerprint, _pk in wanted if fingerprint}
    keys = {pk for _p, _a, _f, pk in wanted if pk}
    refused = Payment.objects.filter(
        Q(method__in=keys) | Q(method__fingerprint__in=fingerprints),
        state=Payment.State.FAILED,
        way=Payment.Way.PROVIDER,
        created_at__gte=clock.now() - _LONGEST_CAP,
    ).select_related("method", "issuer")
    found: dict[tuple[str, int | None, str, int], list[date]] = {}
    for payment in refused:
        day = clock.local_day(payment.asked_at or payment.created_at, payment.issuer)
        found.setdefault(_instrument(cast(PaymentMethod, payment.method)), []).append(day)
    return {instrument: days for instrument, days in found.items() if instrument in wanted}


def _refused_on_instrument(payment: Payment, *, today: date) -> list[date]:
    """Days on which this card or account refused a charge, of any document."""
    if payment.method is None:
        return []
    return _refusals_by_instrument([payment.method], today=today).get(_instrument(payment.method), [])


@transaction.atomic
def reopen_charges(*, customer_id: int, today: date) -> int:
    """The customer has a new way to pay: what was given up for want of one is charged by the next run.

    Call it when a usable method is stored or replaced. Returns how many documents; a chargeback stays what it is.
    """
    plans: QuerySet[ChargePlan] = ChargePlan.objects.filter(
        document__customer=customer_id,
        document__open_item__open_minor__gt=0,
        stopped_because__in=[stop.value for stop in _MENDED],
    )
    keys: Sequence[int] = list(
        plans.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True)
    )
    now = clock.now()
    return ChargePlan.objects.filter(pk__in=keys).update(
        stopped_because="", next_on=today, attempts=0, round_since=now, updated_at=now
    )


@dataclass(frozen=True)
class NextCharge:
    """What is known of the next charge of a document. ``on`` None: there is none, ``stop`` says why."""

    on: date | None
    stop: Stop | None
    attempts: int
    refusal: Refusal
    refused_on: date | None


def next_charge_of(document_id: int) -> NextCharge | None:
    """None: no charge was refused so far, so the document is charged when it is due."""
    plan = ChargePlan.objects.filter(pk=document_id).first()
    if plan is None:
        return None
    stop = Stop(plan.stopped_because) if plan.stopped_because else None
    return NextCharge(plan.next_on, stop, plan.attempts, plan.refusal, plan.refused_on)
