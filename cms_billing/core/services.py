from django.db import transaction
from django.utils.translation import gettext as _

from .conf import billing_settings
from .exceptions import TimeMachineForbidden
from .models import ClockShift


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
