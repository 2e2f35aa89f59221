"""Filters of the list of documents; those by amount serve other lists too."""

from __future__ import annotations

import re
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy, pgettext_lazy
from wagtail.admin.filters import DateRangePickerWidget

from cms_billing.core import clock
from cms_billing.core.admin import BillingFilterSet

from ..models import Document, DocumentKind
from ..search import amount_between
from ..selectors import Standing

DRAFT = "draft"
_NUMBERED = re.compile(r"(?P<before>.*?)(?P<digits>\d{1,9})", re.DOTALL)


class _RangeWidget(django_filters.widgets.SuffixedMultiWidget):
    template_name = "wagtailadmin/widgets/range_input.html"
    suffixes = ["min", "max"]
    inputs: type[forms.Widget] = forms.TextInput
    input_attrs: dict[str, str] = {}

    def __init__(self, attrs: Any = None) -> None:
        both = [
            self.inputs(attrs={"placeholder": text, **self.input_attrs})
            for text in (pgettext_lazy("range", "From"), pgettext_lazy("range", "To"))
        ]
        super().__init__(both, attrs)

    def decompress(self, value: Any) -> list[Any]:
        return [value.start, value.stop] if value else [None, None]


class AmountRangeWidget(_RangeWidget):
    inputs = forms.NumberInput
    input_attrs = {"step": "0.01"}


class NumberRangeWidget(_RangeWidget):
    suffixes = ["from", "to"]


class NumberRangeField(django_filters.fields.RangeField):
    widget = NumberRangeWidget

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__((forms.CharField(max_length=60), forms.CharField(max_length=60)), *args, **kwargs)


class NumberRangeFilter(django_filters.Filter):
    field_class = NumberRangeField


def between(rows: QuerySet[Any], column: str, bounds: slice) -> QuerySet[Any]:
    """Rows whose minor units in ``column`` lie between two amounts as people write them, in any currency."""
    return rows.filter(amount_between(column, bounds))


def number_bound(bound: str, comparison: str) -> Q:
    """``RE-2026-000100``: of the numbers that begin like it, those from (or up to) its last digits. ``100``: of all."""
    match = _NUMBERED.fullmatch(bound.strip())
    if match is None:
        return Q(**{f"number__{comparison}": bound.strip()})
    return Q(**{f"sequence__{comparison}": int(match["digits"])}) & (
        Q(number__istartswith=match["before"]) if match["before"] else Q()
    )


class DocumentFilterSet(BillingFilterSet):
    kind = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Kind"), choices=DocumentKind.choices, widget=forms.CheckboxSelectMultiple
    )
    standing = django_filters.ChoiceFilter(
        label=gettext_lazy("State"),
        choices=[
            (DRAFT, Document.State.DRAFT.label),
            *(
                (s.value, s.label)
                for s in (Standing.OPEN, Standing.OVERDUE, Standing.PAID, Standing.CANCELLED)
            ),
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
    open = django_filters.RangeFilter(
        label=gettext_lazy("Open amount"), method="filter_open", widget=AmountRangeWidget
    )
    number = NumberRangeFilter(
        label=pgettext_lazy("billing", "Numbers"),
        method="filter_number",
        help_text=gettext_lazy("Such as RE-2026-000100 to RE-2026-000200."),
    )

    class Meta:
        model = Document
        fields = ["kind"]

    def filter_standing(self, documents: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == DRAFT:
            return documents.filter(state=Document.State.DRAFT)
        if value == Standing.CANCELLED.value:
            return documents.filter(is_cancelled=True)
        documents = documents.filter(is_cancelled=False, open_item__isnull=False)
        if value == Standing.PAID.value:
            return documents.filter(open_item__open_minor__lte=0)
        documents = documents.filter(open_item__open_minor__gt=0)
        if value == Standing.OVERDUE.value:
            documents = documents.filter(open_item__due_on__lt=clock.today())
        return documents

    def filter_gross(self, documents: QuerySet[Any], name: str, value: slice) -> QuerySet[Any]:
        return between(documents, "gross_minor", value)

    def filter_open(self, documents: QuerySet[Any], name: str, value: slice) -> QuerySet[Any]:
        return between(documents.filter(open_item__isnull=False), "open_item__open_minor", value)

    def filter_number(self, documents: QuerySet[Any], name: str, value: slice) -> QuerySet[Any]:
        if value.start:
            documents = documents.filter(number_bound(value.start, "gte"))
        if value.stop:
            documents = documents.filter(number_bound(value.stop, "lte"))
        return documents
