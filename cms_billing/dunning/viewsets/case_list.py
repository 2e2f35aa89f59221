"""The list of cases: found, added up, exported."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from wagtail.admin.ui.tables import Column
from wagtail.admin.widgets.button import HeaderButton

from cms_billing.core import clock
from cms_billing.core.admin import (
    BillingIndexView,
    DateColumn,
    Fact,
    LinkColumn,
    MoneyColumn,
    StateColumn,
    Summary,
    WhatNext,
    money_text,
)
from cms_billing.core.money import Money
from cms_billing.faktura.models import Document
from cms_billing.faktura.search import find_documents

from ..models import Case, locks

State = Case.State


def customer_url(row: Any) -> str:
    return reverse("billing-customer:inspect", args=[row.customer_id])


def document_url(document: Document | None) -> str | None:
    return reverse("billing-document:inspect", args=[document.pk]) if document else None


def case_url(case: Case) -> str:
    return reverse("billing-dunning:inspect", args=[case.pk])


def level_name(level: int) -> str:
    return _("Level %(number)s") % {"number": level} if level else _("no letter yet")


def access_text(case: Case) -> str:
    """What the case keeps closed; a settled one nothing."""
    return str(case.get_lock_scope_display()) if case.locked else ""


def days_overdue(case: Case) -> int | None:
    """Since the due date, while something is owed."""
    item = case.document.open_item
    days = (clock.today(case.issuer) - item.due_on).days
    return days if item.open_minor > 0 and days > 0 else None


def charges(case: Case) -> Money:
    return Money(case.document.open_item.charges_minor, case.document.open_item.currency)


class CaseIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "customer", "document__open_item")

    def search_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By what finds documents: number, recipient, customer, e-mail address, amount."""
        text = self.search_query.strip()
        if not text:
            return queryset
        return queryset.filter(document__in=find_documents(Document.objects.order_by(), text).values("pk"))

    def summary(self, queryset: QuerySet[Any]) -> Summary:
        """How many, what they owe per currency, and how many of them lock; one query."""
        owed = Q(document__open_item__open_minor__gt=0)
        groups = list(
            queryset.order_by()
            .values("document__open_item__currency")
            .annotate(
                count=Count("pk"),
                open=Sum("document__open_item__open_minor", filter=owed),
                locked=Count("pk", filter=owed & locks()),
            )
            .order_by("document__open_item__currency")
        )
        count = sum(group["count"] for group in groups)
        facts = [Fact(_("Cases"), number_format(count, force_grouping=True))]
        for group in groups:
            owing = Money(int(group["open"] or 0), group["document__open_item__currency"])
            facts.append(Fact(_("Open"), money_text(owing), tone="critical" if owing.minor else "good"))
        if locked := sum(group["locked"] for group in groups):
            facts.append(
                Fact(_("Cases that lock"), number_format(locked, force_grouping=True), tone="warning")
            )
        return Summary(count, facts)

    def what_next(self) -> WhatNext:
        return WhatNext(
            _("The daily run opens one for each document that stays unpaid. See what it will do next."),
            reverse("billing-dunning:preview"),
            _("Preview of the next run"),
        )

    @property
    def header_buttons(self) -> list[Any]:
        return [
            HeaderButton(pgettext("dunning", "Dashboard"), url=reverse("billing_dunning"), icon_name="order"),
            HeaderButton(
                _("Preview of the next run"), url=reverse("billing-dunning:preview"), icon_name="view"
            ),
        ]

    export_filename = "dunning-cases"
    export_columns = {
        "document": (pgettext_lazy("billing", "Document"), lambda c: c.document.number),
        "issuer": (gettext_lazy("Issuer"), lambda c: c.issuer),
        "customer_number": (gettext_lazy("Customer number"), lambda c: c.customer.number),
        "customer": (gettext_lazy("Customer"), lambda c: c.customer.name),
        "kind": (gettext_lazy("Kind of customer"), lambda c: c.customer.get_kind_display()),
        "level": (gettext_lazy("Level"), lambda c: c.level),
        "state": (gettext_lazy("State"), lambda c: c.get_state_display()),
        "locks": (gettext_lazy("Locks"), access_text),
        "due": (gettext_lazy("Due on"), lambda c: c.document.open_item.due_on),
        "days": (gettext_lazy("Days overdue"), days_overdue),
        "last_letter": (gettext_lazy("Last letter"), lambda c: c.last_letter_on),
        "closed": (gettext_lazy("Closed"), lambda c: c.closed_on),
        "close_reason": (gettext_lazy("Closed because"), lambda c: c.get_close_reason_display()),
        "currency": (gettext_lazy("Currency"), lambda c: c.document.open_item.currency),
        "charges": (gettext_lazy("Fees and interest"), charges),
        "open": (gettext_lazy("Open"), lambda c: c.open_amount),
    }


def state_column() -> StateColumn:
    return StateColumn(
        "state",
        label=gettext_lazy("State"),
        accessor="get_state_display",
        good=lambda case: case.state != State.CLOSED,
        sort_key="state",
    )


LIST_COLUMNS = [
    LinkColumn(
        "document",
        label=pgettext_lazy("billing", "Document"),
        accessor=lambda case: case.document.number,
        classname="billing-number",
        get_url=case_url,
        sort_key="document__number",
    ),
    LinkColumn(
        "customer",
        label=gettext_lazy("Customer"),
        accessor=lambda case: str(case.customer),
        get_url=customer_url,
    ),
    Column("level", label=gettext_lazy("Level"), sort_key="level"),
    state_column(),
    Column("locked", label=gettext_lazy("Locks"), accessor=access_text),
    DateColumn(
        "due_on",
        label=gettext_lazy("Due on"),
        accessor="document.open_item.due_on",
        sort_key="document__open_item__due_on",
    ),
    Column("days", label=gettext_lazy("Days overdue"), accessor=days_overdue, classname="billing-amount"),
    DateColumn("last_letter_on", label=gettext_lazy("Last letter"), sort_key="last_letter_on"),
    MoneyColumn("open_amount", label=gettext_lazy("Open"), sort_key="document__open_item__open_minor"),
]
SEARCH_FIELDS = [
    "document__number",
    "customer__number",
    "customer__company",
    "customer__first_name",
    "customer__last_name",
]
