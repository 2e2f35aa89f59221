"""What providers paid out, kept as they tell it, and compared with our payments and refunds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Min, OuterRef

from cms_billing.core import clock
from cms_billing.core.bulk import insert_rows
from cms_billing.core.conf import billing_settings
from cms_billing.core.copies import is_copy
from cms_billing.core.exceptions import BillingError
from cms_billing.faktura.models import Issuer
from cms_billing.faktura.services import Problem

from .. import exceptions as errors
from ..credentials import provider_for, tells_payouts
from ..models import Payment, Payout, PayoutLine, ProviderAccount, Refund
from ..providers import PayoutNotice, all_providers
from ..reconciliation import Known, Match, Movement, Reason, adds_up, match_movements
from ..selectors import reports_told
from .accounts import without_secrets
from .differences import Found, find_for_payments, find_for_payout

# How far back the first import of an account looks, and how far a later one looks again: payouts change their state.
FIRST_LOOK = timedelta(days=60)
LOOK_AGAIN = timedelta(days=14)
# Payments older than that are not searched for in payouts.
SEARCHED = timedelta(days=120)


@dataclass(frozen=True)
class Imported:
    """How many payouts were told, and how many of them were new or had changed."""

    told: int
    changed: int


def import_payouts(*, account: ProviderAccount, since: date, now: datetime) -> Imported:
    """Ask the provider for payouts since a day and keep them, one transaction each. Not inside a transaction.

    May be repeated at any time, also by several at once. Raises ProviderDown and AccountRefused; what was kept by then
    stays.
    """
    provider = provider_for(account)
    if not provider.capabilities.payouts:
        raise errors.tells_no_payouts(account)
    history = () if provider.capabilities.can_be_asked else reports_told(account, since=since)
    imported = keep_payouts(
        account=account,
        told=provider.payouts(since=since, history=history),  # type: ignore[attr-defined]
        now=now,
    )
    look_for_unpaid(account=account, today=clock.local_day(now, account.issuer), now=now)
    return imported


def read_payout_report(*, account: ProviderAccount, content: bytes, now: datetime) -> Imported:
    """Keep the payouts of a report that a person got at the provider. Raises PermanentFailure for other files."""
    provider = provider_for(account)
    read = getattr(provider, "read_report", None)
    if read is None:
        raise errors.reads_no_reports(account)
    return keep_payouts(account=account, told=read(content), now=now)


def keep_payouts(*, account: ProviderAccount, told: Iterable[PayoutNotice], now: datetime) -> Imported:
    count = changed = 0
    for notice in told:
        count += 1
        changed += keep_payout(account=account, notice=notice, now=now)
    return Imported(count, changed)


@transaction.atomic
def keep_payout(*, account: ProviderAccount, notice: PayoutNotice, now: datetime) -> bool:
    """Write the payout as it was told, match it anew, and note what differs; whether it was new or had changed."""
    ProviderAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
    payout = Payout.objects.filter(account=account, reference=notice.reference).first()
    digest = _digest(notice)
    if payout is None or payout.digest != digest:
        payout, changed = _write(account, notice, digest, payout, now), True
    else:
        changed = False
    _match(payout, now)
    return changed


def _digest(notice: PayoutNotice) -> str:
    return hashlib.sha256(repr(notice).encode()).hexdigest()


def _write(
    account: ProviderAccount, notice: PayoutNotice, digest: str, payout: Payout | None, now: datetime
) -> Payout:
    lines = notice.lines
    if any(line.net.currency != notice.amount.currency for line in lines):
        raise errors.mixed_payout(notice.reference)
    if payout is None:
        payout = Payout(
            account=account, issuer_id=account.issuer_id, reference=notice.reference, created_at=now
        )
    payout.amount_minor, payout.currency = notice.amount.minor, notice.amount.currency
    payout.paid_on, payout.is_paid = notice.paid_on, notice.paid
    payout.gross_minor = sum(line.net.minor - line.fee.minor for line in lines)
    payout.fee_minor = sum(line.fee.minor for line in lines)
    payout.net_minor = sum(line.net.minor for line in lines)
    payout.line_count, payout.digest, payout.changed_at = len(lines), digest, now
    payout.save()
    payout.lines.all().delete()
    insert_rows(PayoutLine, _lines(payout, notice))
    return payout


def _lines(payout: Payout, notice: PayoutNotice) -> list[PayoutLine]:
    return [
        PayoutLine(
            payout=payout,
            position=position,
            kind=line.kind.value,
            reference=line.reference[:120],
            payment_reference=line.payment_reference[:120],
            refund_reference=line.refund_reference[:120],
            gross_minor=line.gross.minor,
            fee_minor=line.fee.minor,
            net_minor=line.net.minor,
            currency=line.gross.currency,
            booked_on=line.booked_on,
            description=line.description[:200],
        )
        for position, line in enumerate(notice.lines, start=1)
    ]


def _match(payout: Payout, now: datetime) -> None:
    lines = {line.position: line for line in payout.lines.all()}
    movements = [_movement(line) for line in lines.values()]
    payments, refunds = _ours(payout, movements)
    matches = match_movements(
        movements,
        payments=payments,
        refunds=refunds,
        paid_out=_in_earlier_payouts(payout, "payment", [known.pk for known in payments.values()]),
        given_back=_in_earlier_payouts(payout, "refund", [known.pk for known in refunds.values()]),
    )
    changed = []
    for match in matches:
        line = lines[match.position]
        if (line.payment_id, line.refund_id) != (match.payment, match.refund):
            line.payment_id, line.refund_id = match.payment, match.refund
            changed.append(line)
    PayoutLine.objects.bulk_update(changed, ["payment", "refund"], batch_size=500)
    found = [_found(lines[match.position], match) for match in matches if match.reason is not None]
    if not adds_up(amount=payout.amount_minor, nets=[line.net_minor for line in lines.values()]):
        found.append(
            Found(
                Reason.SUM_DIFFERS.value,
                subject=payout.reference,
                reference=payout.reference,
                theirs=payout.amount_minor,
                ours=payout.net_minor,
                currency=payout.currency,
            )
        )
    find_for_payout(payout=payout, found=found, now=now)


def _movement(line: PayoutLine) -> Movement:
    return Movement(
        line.position,
        line.kind,
        line.reference,
        line.gross_minor,
        line.currency,
        line.payment_reference,
        line.refund_reference,
    )


def _ours(payout: Payout, movements: Sequence[Movement]) -> tuple[dict[str, Known], dict[str, Known]]:
    """Payments and refunds of the account by the references that the movements name; two queries a thousand names."""
    payment_names = {name for m in movements for name in (m.payment_reference, m.reference) if name}
    refund_names = {
        name for m in movements if m.kind == "refund" for name in (m.refund_reference, m.reference) if name
    }
    return _known(Payment, payout, payment_names), _known(Refund, payout, refund_names)


def _known(model: type[Payment] | type[Refund], payout: Payout, names: set[str]) -> dict[str, Known]:
    known = {}
    for chunk in _chunks(sorted(names)):
        rows = model._default_manager.filter(account=payout.account_id, reference__in=chunk)
        for pk, reference, amount, currency in rows.values_list(
            "pk", "reference", "amount_minor", "currency"
        ):
            known[reference] = Known(pk, amount, currency)
    return known


def _in_earlier_payouts(payout: Payout, kind: str, pks: Sequence[int]) -> set[int]:
    """Those of ``pks`` that a payout before this one had already."""
    found: set[int] = set()
    for chunk in _chunks(sorted(set(pks))):
        lines = PayoutLine.objects.filter(
            payout__account=payout.account_id, payout__lt=payout.pk, kind=kind, **{f"{kind}__in": chunk}
        )
        found.update(lines.values_list(f"{kind}_id", flat=True))
    return found


def _chunks(names: list) -> Iterable[list]:
    return (names[start : start + 1000] for start in range(0, len(names), 1000))


def _found(line: PayoutLine, match: Match) -> Found:
    reason = match.reason
    assert reason is not None
    return Found(
        reason.value,
        # The position keeps two movements of one payment apart.
        subject=f"{line.payout.reference}/{line.position}/{line.payment_reference or line.reference}"[:250],
        reference=_name_of(line),
        payment=match.payment,
        refund=match.refund,
        theirs=line.gross_minor,
        ours=match.ours,
        currency=line.currency,
    )


def _name_of(line: PayoutLine) -> str:
    """What a person searches for at the provider."""
    if line.kind == PayoutLine.Kind.REFUND:
        return line.refund_reference or line.reference or line.payment_reference
    return line.payment_reference or line.reference


def look_for_unpaid(*, account: ProviderAccount, today: date, now: datetime) -> int:
    """Note what we have received and no payout had after ``PAYOUT_DAYS``; how many there are.

    Only since the account's first payout that we know: what came before was never told.
    """
    first = account.payouts.aggregate(first=Min("paid_on"))["first"]
    if first is None:
        return 0
    lines = PayoutLine.objects.filter(payment=OuterRef("pk"), kind=PayoutLine.Kind.PAYMENT)
    late = Payment.objects.filter(
        ~Exists(lines),
        account=account,
        state=Payment.State.SETTLED,
        received_on__gte=max(first, today - SEARCHED),
        received_on__lte=today - timedelta(days=billing_settings().payout_days),
    )
    return find_for_payments(account=account, payments=late, now=now)


def import_due_payouts(*, issuer: Issuer, now: datetime) -> list[Problem]:
    """Import for each account in use whose provider tells payouts. One that does not answer stops no other.

    A copy of the database asks nobody. Accounts without the secrets for payouts are left out. What stands in the way
    here is told as a problem of the run and stops no charges: other rights are needed for them.
    """
    if is_copy():
        return []
    codes = [code for code, provider in all_providers().items() if provider.capabilities.payouts]
    accounts = ProviderAccount.objects.active().filter(issuer=issuer, provider__in=codes)
    problems = []
    for account in filter(tells_payouts, accounts.select_related("issuer")):
        try:
            import_payouts(account=account, since=next_look(account, now=now), now=now)
        except BillingError as error:
            reason = without_secrets(str(error), account)
            problems.append(_problem(account, reason))
        except Exception as error:
            # The text may hold the request with its key: only the kind is told.
            problems.append(_problem(account, type(error).__name__))
    return problems


def _problem(account: ProviderAccount, reason: str) -> Problem:
    return Problem(ProviderAccount._meta.label, account.pk, str(account), reason)


def next_look(account: ProviderAccount, *, now: datetime) -> date:
    """The day from which payouts are asked for next."""
    today = clock.local_day(now, account.issuer)
    latest = account.payouts.filter(is_paid=True, paid_on__lte=today).order_by("-paid_on").first()
    if latest is None or latest.paid_on is None:
        return today - FIRST_LOOK
    return latest.paid_on - LOOK_AGAIN
