"""Filters of the list of documents; those by amount serve other lists too."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy, pgettext_lazy
from wagtail.admin.filters import DateRangePickerWidget

from cms_billing.core import clock
from cms_billing.core.admin import (
    BillingFilterSet,
)

from ..models import Document, DocumentKind
from ..selectors import Standing

# Currencies whose number of decimals is not two: for filters by amount.
NO_DECIMALS = [
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "ISK",
    "JPY",
    "KMF",
    "KRW",
    "PYG",
    "RWF",
    "UGX",
    "UYI",
    "VND",
    "VUV",
    "XAF",
    "XOF",
    "XPF",
]
THREE_DECIMALS = ["BHD", "JOD", "KWD", "LYD", "OMR", "TND"]


class AmountRangeWidget(django_filters.widgets.SuffixedMultiWidget):
    template_name = "wagtailadmin/widgets/range_input.html"
    suffixes = ["min", "max"]

    def __init__(self, attrs: Any = None) -> None:
        super().__init__(
            (
                forms.NumberInput(attrs={"placeholder": pgettext_lazy("range", "From"), "step": "0.01"}),
                forms.NumberInput(attrs={"placeholder": pgettext_lazy("range", "To"), "step": "0.01"}),
            ),
            attrs,
        )

    def decompress(self, value: Any) -> list[Any]:
        return [value.start, value.stop] if value else [None, None]


def between(rows: QuerySet[Any], column: str, bounds: slice) -> QuerySet[Any]:
    """Rows whose minor units in ``column`` lie between two amounts as people write them, in any currency."""
    return rows.filter(
        Q(currency__in=NO_DECIMALS) & _between(column, bounds, 1)
        | Q(currency__in=THREE_DECIMALS) & _between(column, bounds, 1000)
        | ~Q(currency__in=NO_DECIMALS + THREE_DECIMALS) & _between(column, bounds, 100)
    )


def _between(column: str, bounds: slice, factor: int) -> Q:
    condition = Q()
    if bounds.start is not None:
        condition &= Q(**{f"{column}__gte": _clip(bounds.start * factor)})
    if bounds.stop is not None:
        condition &= Q(**{f"{column}__lte": _clip(bounds.stop * factor)})
    return condition


def _clip(value: Decimal) -> int:
    """Into the range of the column: an absurd bound is no error, it only matches all or nothing."""
    limit = Decimal(2**62)
    return int(max(-limit, min(limit, value)))


class DocumentFilterSet(BillingFilterSet):
    kind = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Kind"), choices=DocumentKind.choices, widget=forms.CheckboxSelectMultiple
    )
    standing = django_filters.ChoiceFilter(
        label=gettext_lazy("State"),
        choices=[
            (s.value, s.label) for s in (Standing.OPEN, Standing.OVERDUE, Standing.PAID, Standing.CANCELLED)
        ],
        method="filter_standing",
        widget=forms.RadioSelect,
        empty_label=gettext_lazy("All"),
    )
    issued_on = django_filters.DateFromToRangeFilter(label=gettext_lazy("Date"), widget=DateRangePickerWidget)
    due_on = django_filters.DateFromToRangeFilter(label=gettext_lazy("Due"), widget=DateRangePickerWidget)
    customer = django_filters.CharFilter(
        label=gettext_lazy("Customer number"), field_name="customer__number", lookup_expr="iexact"
    )
    gross = django_filters.RangeFilter(
        label=gettext_lazy("Total"), method="filter_gross", widget=AmountRangeWidget
    )

    class Meta:
        model = Document
        fields = ["kind"]

    def filter_standing(self, documents: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == Standing.CANCELLED.value:
            return documents.filter(is_cancelled=True)
        documents = documents.filter(is_cancelled=False, open_item__isnull=False)
        today = clock.today()
        return {
            Standing.PAID.value: documents.filter(open_item__open_minor__lte=0),
            Standing.OPEN.value: documents.filter(open_item__open_minor__gt=0),
            Standing.OVERDUE.value: documents.filter(
                open_item__open_minor__gt=0, open_item__due_on__lt=today
            ),
        }[value]

    def filter_gross(self, documents: QuerySet[Any], name: str, value: slice) -> QuerySet[Any]:
        return between(documents, "gross_minor", value)
