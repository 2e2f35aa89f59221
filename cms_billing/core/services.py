from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from .conf import billing_settings
from .exceptions import TimeMachineForbidden
from .fingerprint import Fingerprint
from .models import ClockShift, Installation
from .queue import enqueue


@transaction.atomic
def move_clock(*, days: int) -> int:
    """Move the clock of the whole installation forward; returns the shift in days.

    Raises TimeMachineForbidden unless ``CMS_BILLING["TIME_MACHINE"]`` is true, and for going back: what has been issued
    under a date cannot become future again.
    """
    if not billing_settings().time_machine:
        raise TimeMachineForbidden(
            _(
                "The clock cannot be moved here. Set CMS_BILLING['TIME_MACHINE'] = True on a test or demo site."
            )
        )
    if days < 0:
        raise TimeMachineForbidden(
            _("The clock only moves forward: documents already carry the later dates.")
        )
    shift, _created = ClockShift.objects.select_for_update().get_or_create(pk=1)
    shift.days += days
    shift.save(update_fields=["days"])
    return shift.days


def remember_installation(*, fingerprint: Fingerprint) -> Installation:
    """A database that belongs to no installation yet belongs to this one; to the first of several that ask at once."""
    Installation.objects.bulk_create([Installation(pk=1, **asdict(fingerprint))], ignore_conflicts=True)
    return Installation.objects.get(pk=1)


@transaction.atomic
def confirm_installation(
    *, fingerprint: Fingerprint, now: datetime, user: Any = None, by: str = ""
) -> Installation:
    """From now on this database talks to the outside under ``fingerprint``; what has been waiting goes out.

    ``by`` names who confirms it where there is no user (a console). Said again it changes nothing.
    """
    installation = Installation.objects.select_for_update().get(pk=1)
    before = installation.fingerprint
    if before == fingerprint:
        return installation
    for name, value in asdict(fingerprint).items():
        setattr(installation, name, value)
    installation.confirmed_at, installation.confirmed_by = now, (str(user) if user else by)[:200]
    installation.save()
    log(
        instance=installation,
        action="cms_billing.confirm_installation",
        user=user,
        data={"before": asdict(before), "after": asdict(fingerprint), "by": installation.confirmed_by},
    )
    enqueue("cms_billing.core.tasks.sweep")
    return installation
