"""Bank statements that were looked through: what dunning waits for before it calls a transfer missing."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from wagtail.log_actions import log

from cms_billing.core import clock
from cms_billing.faktura.models import Issuer

from .. import exceptions as errors
from ..models import StatementDay


@transaction.atomic
def note_statements(*, issuer: Issuer, through: date, today: date, user: Any = None) -> StatementDay:
    """What the bank booked through this day is entered, by hand or by an import. Said again it changes nothing.

    A day before the one that is noted takes it back: a statement turned out to be missing. Raises ImplausiblePayment
    for a day to come.
    """
    if through > today:
        raise errors.in_the_future(through)
    Issuer.objects.select_for_update(no_key=True).get(pk=issuer.pk)
    noted = StatementDay.objects.filter(issuer=issuer).first()
    if noted is not None and noted.through == through:
        return noted
    values = {"through": through, "noted_at": clock.now(), "noted_by": user}
    noted, _created = StatementDay.objects.update_or_create(issuer=issuer, defaults=values)
    log(instance=issuer, action="cms_billing.statements", user=user, data={"through": through.isoformat()})
    return noted
