"""Columns of listings and tables: money right-aligned in the admin's language, local dates, states as tags."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from wagtail.admin.ui.tables import Column, StatusTagColumn, TitleColumn

from ..money import Money


def money_text(amount: Money | None) -> str:
    """As people of the active language write it; empty for None."""
    return amount.format(get_language() or "en") if amount is not None else ""


def date_text(day: date | datetime | None) -> str:
    if day is None:
        return ""
    if isinstance(day, datetime):
        return date_format(timezone.localtime(day), "SHORT_DATETIME_FORMAT")
    return date_format(day, "SHORT_DATE_FORMAT")


class MoneyColumn(Column):
    """``accessor`` leads to ``Money`` (or None)."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        kwargs.setdefault("classname", "billing-amount")
        super().__init__(name, **kwargs)

    def get_value(self, instance: Any) -> str:
        return money_text(super().get_value(instance))


class DateColumn(Column):
    """A date, or a moment in local time, in the short format of the language."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        kwargs.setdefault("classname", "billing-date")
        super().__init__(name, **kwargs)

    def get_value(self, instance: Any) -> str:
        return date_text(super().get_value(instance))


class StateColumn(StatusTagColumn):
    """A state as a tag; what is ``good`` is drawn quietly, so that the rest stands out."""

    cell_template_name = "cms_billing/core/admin/state_cell.html"

    def __init__(self, name: str, *, good: Callable[[Any], bool] | None = None, **kwargs: Any) -> None:
        super().__init__(name, primary=good, **kwargs)


class LinkColumn(TitleColumn):
    """A link to a related row's page; ``get_url`` may return None for plain text."""

    cell_template_name = "cms_billing/core/admin/link_cell.html"
    empty_value_display = ""
