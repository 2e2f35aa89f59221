from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings
from cms_billing.faktura.models import Issuer

from .models import DailyRun
from .services import start_run, work_on


def take_part(run_id: int) -> str:
    """One worker goes through the run's steps, sharing them with the others."""
    run = work_on(DailyRun.objects.select_related("issuer").get(pk=run_id))
    return str(run)


def start_due_runs() -> int:
    """Scheduled every hour: start the run of every issuer whose local morning has come and that has none finished.

    A run that a crash left unfinished is found here as well and goes on.
    """
    now = clock.now()
    started = 0
    for issuer in Issuer.objects.filter(is_active=True):
        if _is_morning(now, issuer) and not _finished(issuer):
            start_run(issuer=issuer, today=clock.today(issuer))
            started += 1
    return started


def _is_morning(now: datetime, issuer: Issuer) -> bool:
    return now.astimezone(ZoneInfo(issuer.time_zone)).hour >= billing_settings().daily_run_hour


def _finished(issuer: Issuer) -> bool:
    return DailyRun.objects.filter(issuer=issuer, day=clock.today(issuer), state=DailyRun.State.DONE).exists()
