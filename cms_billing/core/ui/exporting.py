"""Lists as CSV and XLSX: Wagtail's own export, row by row, and with cells that no spreadsheet runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.encoding import force_str

from ..money import Money

CHUNK = 1000
# What spreadsheets take for the beginning of a formula (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NOT_PRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def guarded(value: Any) -> str:
    """Text that a spreadsheet shows and does not run."""
    text = _NOT_PRINTABLE.sub("", force_str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text


def plain(value: Any) -> Any:
    """Money as its number: the currency has a column of its own."""
    return value.amount if isinstance(value, Money) else value


class _Rows:
    """A queryset that is read once and not kept."""

    def __init__(self, queryset: QuerySet[Any]) -> None:
        self.queryset, self.model = queryset, queryset.model

    def __iter__(self) -> Iterator[Any]:
        return iter(self.queryset.iterator(CHUNK))


class GuardedExportMixin:
    """``export_columns``: ``{name: (heading, row -> value)}`` in order. Amounts stay numbers, dates stay dates."""

    export_columns: dict[str, tuple[Any, Any]] = {}
    custom_value_preprocess = {
        Decimal: {"csv": str, "xlsx": None},
        str: {"csv": guarded, "xlsx": lambda value: _NOT_PRINTABLE.sub("", value)},
    }

    @property
    def list_export(self) -> list[str]:
        return list(self.export_columns)

    def get_heading(self, queryset: Any, field: str) -> str:
        return force_str(self.export_columns[field][0])

    def to_row_dict(self, item: Model) -> dict[str, Any]:
        return {name: self._cell(read(item)) for name, (_heading, read) in self.export_columns.items()}

    @staticmethod
    def _cell(value: Any) -> Any:
        value = plain(value)
        if value is None:
            return ""
        if isinstance(value, (int, Decimal)) or hasattr(value, "isoformat"):
            return value
        return force_str(value)

    def stream_csv(self, queryset: QuerySet[Any]) -> Iterator[Any]:
        # Excel takes a file without the mark for Latin-1.
        yield "\ufeff".encode()
        yield from super().stream_csv(_Rows(queryset))  # type: ignore[misc]

    def write_xlsx(self, queryset: QuerySet[Any], output: Any) -> None:
        super().write_xlsx(_Rows(queryset), output)  # type: ignore[misc]
