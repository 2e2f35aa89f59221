"""Filters of the list of cases."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from cms_billing.core import clock
from cms_billing.core.admin import BillingFilterSet
from cms_billing.faktura.models import Customer, OpenItem
from cms_billing.faktura.viewsets.document_filters import AmountRangeWidget, between

from ..ages import AGES, age_of_key
from ..desk import agreed, held
from ..models import HIGHEST_LEVEL, Case, LockScope

YES, NO = "yes", "no"


class CaseFilterSet(BillingFilterSet):
    state = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("State"), choices=Case.State.choices, widget=forms.CheckboxSelectMultiple
    )
    level = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Level"),
        choices=[(number, str(number)) for number in range(HIGHEST_LEVEL + 1)],
        widget=forms.CheckboxSelectMultiple,
    )
    lock_scope = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Locks"),
        choices=[choice for choice in LockScope.choices if choice[0]],
        widget=forms.CheckboxSelectMultiple,
    )
    age = django_filters.ChoiceFilter(
        label=gettext_lazy("Days overdue"),
        choices=[(age.key, age.label) for age in AGES],
        method="filter_age",
        widget=forms.RadioSelect,
        empty_label=gettext_lazy("All"),
    )
    open = django_filters.RangeFilter(
        label=gettext_lazy("Open amount"), method="filter_open", widget=AmountRangeWidget
    )
    kind = django_filters.ChoiceFilter(
        label=gettext_lazy("Kind of customer"),
        field_name="customer__kind",
        choices=Customer.Kind.choices,
        widget=forms.RadioSelect,
        empty_label=gettext_lazy("All"),
    )
    held = django_filters.ChoiceFilter(
        label=gettext_lazy("Block or dispute"),
        choices=[(YES, gettext_lazy("with")), (NO, gettext_lazy("without"))],
        method="filter_held",
        widget=forms.RadioSelect,
        empty_label=gettext_lazy("All"),
    )
    agreed = django_filters.ChoiceFilter(
        label=gettext_lazy("Agreement"),
        choices=[(YES, gettext_lazy("with")), (NO, gettext_lazy("without"))],
        method="filter_agreed",
        widget=forms.RadioSelect,
        empty_label=gettext_lazy("All"),
    )
    customer = django_filters.CharFilter(
        label=gettext_lazy("Customer number"), field_name="customer__number", lookup_expr="iexact"
    )

    class Meta:
        model = Case
        fields = ["state", "level", "lock_scope"]

    def filter_age(self, cases: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return cases.filter(age_of_key(value).condition(today=clock.today()))

    def filter_open(self, cases: QuerySet[Any], name: str, value: slice) -> QuerySet[Any]:
        # The amounts are compared in the currency of the claim.
        documents = between(OpenItem.objects.all(), "open_minor", value)
        return cases.filter(document__open_item__in=documents.values("pk"))

    def filter_agreed(self, cases: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return cases.filter(agreed() if value == YES else ~agreed())

    def filter_held(self, cases: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        is_held = held(today=clock.today())
        return cases.filter(is_held if value == YES else ~is_held)
