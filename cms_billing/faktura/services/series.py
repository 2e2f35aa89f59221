"""Numbers: unique and gapless, taken inside the issuing transaction in one short lock."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from wagtail.log_actions import log

from ..exceptions import NumbersTaken
from ..models import DocumentKind, Issuer, NumberSeries

DEFAULT_FORMATS = {
    DocumentKind.INVOICE: "RE-{year}-{number:06}",
    DocumentKind.PRO_FORMA: "PF-{year}-{number:06}",
    DocumentKind.CANCELLATION: "ST-{year}-{number:06}",
    DocumentKind.CREDIT_NOTE: "RK-{year}-{number:06}",
    DocumentKind.REFUND_RECEIPT: "AZ-{year}-{number:06}",
    DocumentKind.ACCOUNT_STATEMENT: "KA-{year}-{number:06}",
    DocumentKind.DUNNING_LETTER: "MA-{year}-{number:06}",
}


def take_numbers(*, issuer: Issuer, kind: str, year: int, count: int) -> tuple[NumberSeries, range]:
    """The next ``count`` numbers of the series, locked until the caller's transaction ends.

    Called late, right before the documents are written: a rollback gives the numbers back, so there is no gap, and
    nobody waits longer than the writing takes. A new year starts at 1 with the format of the year before.
    """
    series = _series(issuer=issuer, kind=kind, year=year)
    locked = NumberSeries.objects.select_for_update(no_key=True).get(pk=series.pk)
    first = locked.next_number
    NumberSeries.objects.filter(pk=locked.pk).update(next_number=first + count)
    return locked, range(first, first + count)


@transaction.atomic
def _series(*, issuer: Issuer, kind: str, year: int) -> NumberSeries:
    before = NumberSeries.objects.filter(issuer=issuer, kind=kind, year__lt=year).order_by("-year").first()
    pattern = before.format if before else DEFAULT_FORMATS[DocumentKind(kind)]
    series, _created = NumberSeries.objects.get_or_create(
        issuer=issuer, kind=kind, year=year, defaults={"format": pattern}
    )
    return series


@transaction.atomic
def change_series(
    *, series_id: int, number_format: str, next_number: int | None = None, user: Any = None
) -> NumberSeries:
    """Another format, or another first number while none has been taken; raises NumbersTaken.

    Locked, because a run may be taking numbers at this moment: only what was asked for is written.
    """
    series = NumberSeries.objects.select_for_update(no_key=True).get(pk=series_id)
    wanted = next_number or series.next_number
    if wanted != series.next_number and series.documents.exists():
        raise NumbersTaken(series=series)
    series.format, series.next_number = number_format, wanted
    series.save(update_fields=["format", "next_number"])
    log(instance=series, action="wagtail.edit", user=user, data={"format": number_format, "next": wanted})
    return series
