"""A chart above the table with the same figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from wagtail.admin.ui.tables import BaseColumn

from cms_billing.core.admin import TableSection


@dataclass(frozen=True)
class Series:
    label: Any
    values: Sequence[float]


class ChartSection(TableSection):
    """Bars: one group a label. ``currency`` or ``unit`` says what the numbers are. ``described`` is read aloud instead
    of the picture; the table below has the rest."""

    template_name = "cms_billing/dunning/admin/chart_section.html"

    def __init__(
        self,
        title: Any,
        columns: Sequence[BaseColumn],
        rows: Iterable[Any],
        *,
        labels: Sequence[Any],
        series: Sequence[Series],
        described: Any,
        stacked: bool = False,
        currency: str = "",
        unit: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(title, columns, rows, **kwargs)
        self.described = described
        self.chart = json.dumps(
            {
                "labels": [str(label) for label in labels],
                "series": [{"label": str(one.label), "values": list(one.values)} for one in series],
                "stacked": stacked,
                "currency": currency,
                "unit": unit,
            }
        )
