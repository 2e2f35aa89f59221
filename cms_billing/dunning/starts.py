"""Claims that something else than their due date has sent into dunning: a failed payment, or one that came back.

Found by looking, so that it makes no difference whether anybody was told.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from cms_billing.faktura.models import LedgerEntry
from cms_billing.payments.models import ChargePlan
from cms_billing.payments.retries import Stop

from .rules import ProcedureFacts


class Event(Enum):
    FAILED = "failed"
    CAME_BACK = "came_back"


EVENT_LABELS: dict[Event, Any] = {
    Event.FAILED: _("payment failed, no further attempt"),
    Event.CAME_BACK: _("payment came back"),
}


@dataclass(frozen=True)
class Start:
    """``day``: on which it happened, or became known."""

    event: Event
    day: date

    def level_in(self, procedure: ProcedureFacts | None) -> int | None:
        """The level the procedure starts at for this; never above its last one. None: only the due date counts."""
        if procedure is None or not procedure.levels:
            return None
        wanted = procedure.chargeback_level if self.event is Event.CAME_BACK else procedure.failure_level
        return None if wanted is None else min(wanted, procedure.levels[-1].number)


def starts_of(documents: Collection[int]) -> dict[int, Start]:
    """By document id; a payment that came back outweighs one that failed. Two statements, whatever the number."""
    failed = ChargePlan.objects.filter(_GIVEN_UP, document__in=documents, refused_on__isnull=False)
    found = {pk: Start(Event.FAILED, day) for pk, day in failed.values_list("pk", "refused_on") if day}
    back = LedgerEntry.objects.filter(document__in=documents, kind=LedgerEntry.Kind.CHARGEBACK).order_by()
    for pk, day in back.values_list("document").annotate(day=Max("booked_on")):
        found[pk] = Start(Event.CAME_BACK, day)
    return found


def something_happened(procedure: ProcedureFacts) -> Q:
    """Of open items: whether ``starts_of`` finds one that the procedure starts at."""
    happened = Q(pk__in=[])
    if procedure.failure_level is not None:
        happened |= Q(Exists(ChargePlan.objects.filter(_GIVEN_UP, document=OuterRef("document"))))
    if procedure.chargeback_level is not None:
        kind = LedgerEntry.Kind.CHARGEBACK
        happened |= Q(Exists(LedgerEntry.objects.filter(document=OuterRef("document"), kind=kind)))
    return happened


# No further attempt is planned. What was charged back is told by the ledger.
_GIVEN_UP = Q(next_on=None) & ~Q(stopped_because__in=["", Stop.CHARGED_BACK.value])
