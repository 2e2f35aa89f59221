"""The time machine: the site's clock goes forward day by day, and every day is really lived.

Each morning the fake providers' news arrive, then the real daily run is made for every active issuer. Days are never
jumped over: what would have happened on them happens.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cms_billing.core import clock, outbox
from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import BillingError, TimeMachineForbidden
from cms_billing.core.models import ClockShift
from cms_billing.core.queue import enqueue
from cms_billing.core.services import move_clock
from cms_billing.core.texts import day_text
from cms_billing.daily.services import run_daily
from cms_billing.daily.steps import STEPS
from cms_billing.faktura.models import Issuer
from cms_billing.memberships.models import Contract, ContractLine
from cms_billing.payments.models import PaymentSession, WebhookEvent

from .models import TimeTravel
from .providers import FakeProvider, deliver_webhooks
from .vendors import deliver_vendor_webhooks

LONGEST_JOURNEY = 1100
# Nobody has worked on a journey for so long: whoever looks at it may go on with it.
PATIENCE = timedelta(seconds=4)
# A worker's task ends well before django-q's usual time-outs and asks for the next one.
TASK_SECONDS = 120
_TRAVEL = "cms_billing.testing.tasks.travel"


class WrongJourney(BillingError):
    """A journey into the past, of no days, too far, or while another is under way."""


@dataclass
class DayLived:
    """What one day brought: rows done by step of the daily run, over all issuers."""

    day: date
    done: Counter[str] = field(default_factory=Counter)
    webhooks: int = 0
    failed: int = 0
    errors: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        labels = {step.name: step.label for step in STEPS}
        counts = [f"{labels.get(step, step)}: {count}" for step, count in self.done.items() if count]
        if self.webhooks:
            counts.insert(0, _("webhooks %(count)s") % {"count": self.webhooks})
        if self.failed:
            counts.append(_("failed attempts %(count)s") % {"count": self.failed})
        return f"{day_text(self.day)}: " + ", ".join([*(counts or [_("nothing due")]), *self.errors])


def next_due_date(*, after: date) -> date | None:
    """The next day on which a contract has something to bill."""
    lines = ContractLine.objects.filter(contract__state__in=[*Contract.BILLABLE, Contract.State.PENDING])
    return lines.filter(next_due__gt=after).aggregate(day=Min("next_due"))["day"]


def live_through(*, until: date, beat: Callable[[], None] = lambda: None) -> Iterator[DayLived]:
    """Move the clock day by day up to ``until`` and live each day; yields what it brought.

    Raises TimeMachineForbidden.
    """
    while _step_forward(until=until):
        yield live_today(beat=beat)


@transaction.atomic
def _step_forward(*, until: date) -> bool:
    """One day, unless the clock is there already; two who travel at once never go too far."""
    ClockShift.objects.get_or_create(pk=1)
    ClockShift.objects.select_for_update().get(pk=1)
    if clock.today() >= until:
        return False
    move_clock(days=1)
    return True


def live_today(*, beat: Callable[[], None] = lambda: None) -> DayLived:
    """The fake providers' news, then the daily run of every active issuer. May be repeated."""
    lived = DayLived(clock.today())
    lived.webhooks = hear_the_news(lived)
    for issuer in Issuer.objects.filter(is_active=True):
        try:
            run = run_daily(issuer=issuer, today=clock.today(issuer), watch=lambda _row: beat())
        except Exception as error:
            lived.errors.append(f"{issuer}: {str(error) or type(error).__name__}")
            continue
        for step in run.steps.exclude(name="report"):
            lived.done[step.name] += step.done
            lived.failed += step.failed
        beat()
    return lived


def hear_the_news(lived: DayLived) -> int:
    """Let time pass for the fake providers and take what they have to tell; returns how many webhooks came."""
    try:
        answers = deliver_vendor_webhooks()
        if FakeProvider.code in billing_settings().providers:
            answers += deliver_webhooks()
    except Exception as error:
        lived.errors.append(str(error) or type(error).__name__)
        return 0
    if answers:
        for model in (WebhookEvent, PaymentSession):
            outbox.drain(model, now=clock.now())
    return len(answers)


# -- journeys asked for in the page: a row, a worker, and whoever looks at it ---------------------------------------


def check_journey(*, until: date, today: date) -> None:
    """Raises TimeMachineForbidden, WrongJourney."""
    if not billing_settings().time_machine:
        raise TimeMachineForbidden(_("The clock cannot be moved here."))
    if until <= today:
        raise WrongJourney(
            _("The clock shows %(today)s: it only moves forward, not to %(until)s.")
            % {"today": day_text(today), "until": day_text(until)}
        )
    if (until - today).days > LONGEST_JOURNEY:
        raise WrongJourney(
            ngettext(
                "A journey is at most %(days)s day.", "A journey is at most %(days)s days.", LONGEST_JOURNEY
            )
            % {"days": LONGEST_JOURNEY}
        )


@transaction.atomic
def ask_for_journey(*, until: date, today: date) -> TimeTravel:
    """Write the journey down and ask a worker to make it. One at a time. Raises TimeMachineForbidden, WrongJourney."""
    check_journey(until=until, today=today)
    ClockShift.objects.get_or_create(pk=1)
    ClockShift.objects.select_for_update().get(pk=1)
    under_way = TimeTravel.objects.exclude(state__in=[TimeTravel.State.DONE, TimeTravel.State.FAILED])
    if other := under_way.first():
        raise WrongJourney(
            _("The clock is on its way to %(until)s. Wait until it is there.")
            % {"until": day_text(other.until)}
        )
    travel = TimeTravel.objects.create(until=until, day=today)
    enqueue(_TRAVEL, travel.pk)
    return travel


def go_on(travel: TimeTravel, *, seconds: float) -> TimeTravel:
    """Live further days of a journey for about so long, if nobody else is at it; returns it as it is then."""
    if _take_over(travel):
        stop_at = time.monotonic() + seconds
        try:
            _live_on(travel, stop_at=stop_at)
        except Exception as error:
            travel.state, travel.error = TimeTravel.State.FAILED, str(error) or type(error).__name__
            travel.save(update_fields=["state", "error"])
    travel.refresh_from_db()
    return travel


def is_left_alone(travel: TimeTravel) -> bool:
    """No worker answers, or the one that did has died."""
    return not travel.is_over and travel.seen_alive_at < timezone.now() - PATIENCE


def _take_over(travel: TimeTravel) -> bool:
    now = timezone.now()
    free = Q(state=TimeTravel.State.WAITING) | Q(
        state=TimeTravel.State.RUNNING, seen_alive_at__lt=now - PATIENCE
    )
    mine = TimeTravel.objects.filter(free, pk=travel.pk)
    taken = bool(mine.update(state=TimeTravel.State.RUNNING, seen_alive_at=now))
    travel.refresh_from_db()
    return taken


def _live_on(travel: TimeTravel, *, stop_at: float) -> None:
    beat = _Heart(travel).beat
    if clock.today() > travel.day and clock.today() <= travel.until:
        # Somebody moved the clock and died before the day was over.
        _note(travel, live_today(beat=beat))
    for lived in live_through(until=travel.until, beat=beat):
        _note(travel, lived)
        if time.monotonic() > stop_at:
            break
    over = clock.today() >= travel.until
    travel.state = TimeTravel.State.DONE if over else TimeTravel.State.WAITING
    travel.save(update_fields=["state"])


def _note(travel: TimeTravel, lived: DayLived) -> None:
    travel.day, travel.seen_alive_at = lived.day, timezone.now()
    travel.lines = [*travel.lines, str(lived)]
    travel.save(update_fields=["day", "lines", "seen_alive_at"])


class _Heart:
    """Says every second that somebody is at the journey, however long a day takes."""

    def __init__(self, travel: TimeTravel) -> None:
        self.travel, self.last = travel, time.monotonic()

    def beat(self) -> None:
        if time.monotonic() - self.last > 1:
            self.last = time.monotonic()
            TimeTravel.objects.filter(pk=self.travel.pk).update(seen_alive_at=timezone.now())
