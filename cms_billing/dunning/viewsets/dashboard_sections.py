"""The charts of the dashboard with their tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import LinkColumn, MoneyColumn, Section
from cms_billing.core.money import Money

from ..ages import AGES
from ..dashboard import Group, Success
from .case_list import level_name
from .charts import ChartSection, Series


@dataclass(frozen=True)
class LevelRow:
    """One level: a value for each age, counts or minor units."""

    level: int
    values: tuple[int, ...]
    currency: str = ""

    @property
    def label(self) -> str:
        return level_name(self.level)

    @property
    def total(self) -> Any:
        return self.shown(sum(self.values))

    def shown(self, value: int) -> Any:
        return Money(value, self.currency) if self.currency else number_format(value, force_grouping=True)


def cases_charts(groups: Sequence[Group]) -> Iterator[Section]:
    """How many cases by level and age; then their money, a chart for each currency."""
    if not groups:
        return
    counts = _rows(groups, lambda group: group.count)
    yield _by_level(
        _("Cases by level and age"),
        counts,
        described=_("Cases by level, by how long they are overdue; the table has the same figures."),
    )
    for currency in sorted({group.currency for group in groups}):
        own = [group for group in groups if group.currency == currency]
        yield _by_level(
            _("Money at stake in %(currency)s") % {"currency": currency},
            _rows(own, lambda group: group.open_minor, currency=currency),
            described=_("What is owed by level, by how long it is overdue; the table has the same figures."),
            currency=currency,
        )


def _rows(groups: Sequence[Group], value: Any, *, currency: str = "") -> list[LevelRow]:
    return [
        LevelRow(
            level,
            tuple(
                sum(value(group) for group in groups if group.level == level and group.age == age.key)
                for age in AGES
            ),
            currency,
        )
        for level in sorted({group.level for group in groups})
    ]


def _by_level(title: str, rows: list[LevelRow], *, described: str, currency: str = "") -> Section:
    index = reverse("billing-dunning:index")
    column = MoneyColumn if currency else Column
    amounts = {"classname": "billing-amount"}
    return ChartSection(
        title,
        [
            LinkColumn("label", label=_("Level"), get_url=lambda row: f"{index}?level={row.level}"),
            *(
                column(age.key, label=age.short, accessor=_cell(number), **amounts)
                for number, age in enumerate(AGES)
            ),
            column("total", label=_("Total"), **amounts),
        ],
        rows,
        labels=[row.label for row in rows],
        series=[
            Series(age.label, [_drawn(row.values[number], currency) for row in rows])
            for number, age in enumerate(AGES)
        ],
        described=described,
        stacked=True,
        currency=currency,
        note=_("By days since the due date."),
    )


def _cell(number: int) -> Any:
    return lambda row: row.shown(row.values[number])


def _drawn(value: int, currency: str) -> float:
    return float(Money(value, currency).amount) if currency else value


def success_sections(together: Sequence[Success], versions: Sequence[Success]) -> Iterator[Section]:
    """Each level; and each version of the texts by itself where a level had more than one."""
    yield _success(
        _("Success by level"),
        together,
        described=_("Share of claims paid, and of money received, before the next letter, by level."),
    )
    if len(versions) > len(together):
        yield _success(
            _("Success by level and text"),
            versions,
            described=_("Share of claims paid, and of money received, before the next letter, by text."),
        )


def _success(title: str, rows: Sequence[Success], *, described: str) -> Section:
    has_versions = any(row.version for row in rows)
    amounts = {"classname": "billing-amount"}
    text = [Column("version", label=_("Procedure and text"))] if has_versions else []
    return ChartSection(
        title,
        [
            Column("level", label=_("Level")),
            *text,
            Column("claims", label=_("Claims reminded"), **amounts),
            Column("paid", label=_("Paid before the next letter"), **amounts),
            Column("share_paid", label=_("Share of claims"), accessor=_percent("share_paid"), **amounts),
            MoneyColumn(
                "asked",
                label=pgettext("dunning", "Claimed"),
                accessor=lambda row: Money(row.asked_minor, row.currency),
            ),
            MoneyColumn(
                "received", label=_("Received"), accessor=lambda row: Money(row.received_minor, row.currency)
            ),
            Column(
                "share_received", label=_("Share of money"), accessor=_percent("share_received"), **amounts
            ),
            Column("median", label=_("Median days"), accessor=_median, **amounts),
        ],
        rows,
        labels=[_named(row, rows) for row in rows],
        series=[
            Series(_("Share of claims"), [round(row.share_paid, 1) for row in rows]),
            Series(_("Share of money"), [round(row.share_received, 1) for row in rows]),
        ],
        described=described,
        unit="%",
        note=_(
            "Letters of the period. A claim counts as paid when it was settled by money before its next letter went "
            "out; money counts without fees and interest, part payments too."
        ),
        empty=_("No letters went out in this period."),
    )


def _named(row: Success, rows: Sequence[Success]) -> str:
    parts = [level_name(row.level), row.version]
    if len({other.currency for other in rows}) > 1:
        parts.append(row.currency)
    return " ".join(filter(None, parts))


def _percent(name: str) -> Any:
    return lambda row: f"{number_format(round(getattr(row, name), 1), decimal_pos=1)} %"


def _median(row: Success) -> str:
    return "" if row.median_days is None else number_format(row.median_days, decimal_pos=1)
