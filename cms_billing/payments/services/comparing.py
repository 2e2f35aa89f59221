"""Ask a provider again: about one payment, a customer, or a whole day of an account. The last two are outside work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q

from cms_billing.core import clock, outbox
from cms_billing.core.exceptions import BillingError, NotYet
from cms_billing.faktura.models import Customer

from .. import exceptions as errors
from ..credentials import provider_for
from ..models import Comparison, Payer, Payment, PaymentMethod, PaymentSession, ProviderAccount, Refund
from .differences import Found, Kind, find_for_day, no_longer_differs
from .news import resync
from .refunding import resync_refund
from .sessions import sync_session
from .syncing import sync_methods

# A customer's payments of these days are asked about, and all that are under way.
LATEST = timedelta(days=60)
# A payment made this close to midnight may stand in another day at the provider.
MIDNIGHT = timedelta(minutes=10)
AT_ONCE = 500


@transaction.atomic
def start_comparison(
    *,
    user: Any,
    customer: Customer | None = None,
    account: ProviderAccount | None = None,
    day: date | None = None,
) -> Comparison:
    """Ask about a customer, or about a day of an account. Raises CannotReconcile while the same is being asked."""
    issuer_id = customer.issuer_id if customer else account.issuer_id  # type: ignore[union-attr]
    running = [Comparison.WorkState.PENDING, Comparison.WorkState.RUNNING]
    alike = Comparison.objects.filter(customer=customer, account=account, day=day, work_state__in=running)
    if alike.exists():
        raise errors.comparison_is_running()
    comparison = Comparison.objects.create(
        issuer_id=issuer_id, customer=customer, account=account, day=day, started_by=user
    )
    outbox.hint(comparison)
    return comparison


@dataclass
class _Told:
    """What came out so far, shown while the work goes on."""

    comparison: Comparison
    asked: int = 0
    changed: int = 0
    problems: list[str] = field(default_factory=list)

    def show(self, *, at_least_every: int = 1) -> None:
        if self.asked % at_least_every == 0:
            Comparison.objects.filter(pk=self.comparison.pk).update(
                asked=self.asked, changed=self.changed, problems=self.problems[:50]
            )


def carry_out_comparison(comparison: Comparison) -> Callable[[], None]:
    """Outside work: may be done twice, nothing is booked twice. Raises ProviderDown and AccountRefused."""
    told = _Told(comparison)
    if comparison.customer is not None:
        _ask_about(_rows_of_customer(comparison), told)
        _ask_about(_payers_of(comparison.customer), told)
        return partial(_record, told, [], [])
    found, agreed = _compare_day(comparison, told)
    return partial(_record, told, found, agreed)


def _record(told: _Told, found: list[Found], agreed: list[str]) -> None:
    comparison = told.comparison
    differing = 0
    if comparison.account is not None:
        no_longer_differs(account=comparison.account, subjects=agreed)
        differing = find_for_day(account=comparison.account, found=found, now=clock.now())
    Comparison.objects.filter(pk=comparison.pk).update(
        asked=told.asked, changed=told.changed, differing=differing, problems=told.problems[:50]
    )


def _ask_about(rows: Iterable[Any], told: _Told) -> None:
    """One after the other; a row that cannot be asked about is named and stops no other."""
    for row in rows:
        try:
            told.changed += _asked_again(row)
        except NotYet:
            raise
        except BillingError as error:
            told.problems.append(f"{row}: {error}")
        told.asked += 1
        told.show()


def _asked_again(row: Any) -> bool:
    """Whether the state changed by it."""
    before = _state(row)
    if isinstance(row, Payment):
        resync(row, today=clock.local_day(clock.now(), row.issuer))
    elif isinstance(row, Refund):
        resync_refund(row)
    elif isinstance(row, Payer):
        sync_methods(row)
    else:
        sync_session(row)
    return before != _state(type(row)._default_manager.get(pk=row.pk))


def _state(row: Any) -> object:
    if isinstance(row, Payer):
        return sorted(row.payment_methods.values_list("reference", "state"))
    return (row.state, getattr(row, "money", ""), getattr(row, "refunded_elsewhere_minor", 0))


def _rows_of_customer(comparison: Comparison) -> Iterator[Any]:
    customer = comparison.customer
    since = comparison.created_at - LATEST
    under_way = Q(state__in=["created", "pending"]) | Q(created_at__gte=since)
    sessions = PaymentSession.objects.filter(under_way | Q(state="open"), customer=customer)
    yield from sessions.exclude(reference="").select_related("account", "payer").order_by("pk")[:AT_ONCE]
    payments = Payment.objects.filter(under_way, customer=customer, way=Payment.Way.PROVIDER)
    yield from (
        payments.exclude(reference="", state="created")
        .select_related("issuer", "account", "method")
        .order_by("pk")[:AT_ONCE]
    )
    refunds = Refund.objects.filter(under_way, customer=customer, way=Refund.Way.PROVIDER)
    yield from (
        refunds.exclude(reference="").select_related("issuer", "account", "payment").order_by("pk")[:AT_ONCE]
    )


def _payers_of(customer: Customer) -> Iterator[Payer]:
    """Whose cards and mandates a provider keeps for the customer."""
    payers = PaymentMethod.objects.filter(customer=customer).exclude(payer=None).values("payer")
    found = Payer.objects.filter(pk__in=payers).exclude(reference="")
    yield from found.select_related("account__issuer").order_by("pk")


def _compare_day(comparison: Comparison, told: _Told) -> tuple[list[Found], list[str]]:
    """``(differences, subjects that agree)`` of the issuer's local day."""
    account, day = comparison.account, comparison.day
    assert account is not None
    assert day is not None
    provider = provider_for(account)
    if not (provider.capabilities.payouts and provider.capabilities.can_be_asked):
        raise errors.lists_no_payments(account)
    start, end = _bounds(day, account)
    theirs: set[str] = set()
    found: list[Found] = []
    for reference in provider.payments_between(start=start, end=end):  # type: ignore[attr-defined]
        theirs.add(reference)
        told.asked += 1
        told.show(at_least_every=100)
    unknown = sorted(theirs - _known(account, theirs))
    found += [Found(Kind.UNKNOWN_PAYMENT, f"there:{name}"[:250], reference=name) for name in unknown]
    ours = {
        payment.reference: payment
        for payment in Payment.objects.filter(
            account=account, created_at__gte=start + MIDNIGHT, created_at__lt=end - MIDNIGHT
        )
        .exclude(reference="")
        .select_related("issuer", "account", "method")
    }
    found += [
        Found(
            Kind.NOT_THERE,
            f"here:{payment.pk}",
            reference=reference,
            payment=payment.pk,
            ours=payment.amount_minor,
            currency=payment.currency,
        )
        for reference, payment in ours.items()
        if reference not in theirs
    ]
    _ask_about([p for p in ours.values() if p.state == Payment.State.PENDING and p.reference in theirs], told)
    agreed = [f"here:{p.pk}" for reference, p in ours.items() if reference in theirs]
    return found, [*agreed, *(f"there:{name}"[:250] for name in theirs - set(unknown))]


def _bounds(day: date, account: ProviderAccount) -> tuple[datetime, datetime]:
    zone = ZoneInfo(account.issuer.time_zone)
    return (
        datetime.combine(day, time.min, tzinfo=zone),
        datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone),
    )


def _known(account: ProviderAccount, references: set[str]) -> set[str]:
    """Those that are a payment of ours, or a visit that may become one."""
    names = sorted(references)
    known: set[str] = set()
    for start in range(0, len(names), 1000):
        chunk = names[start : start + 1000]
        payments = Payment.objects.filter(account=account, reference__in=chunk)
        known.update(payments.values_list("reference", flat=True))
        sessions = PaymentSession.objects.filter(account=account)
        for column in ("reference", "payment_reference"):
            known.update(sessions.filter(**{f"{column}__in": chunk}).values_list(column, flat=True))
    return known
