"""Runs in Wagtail's admin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.filters import DateRangePickerWidget
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import (
    BillingFilterSet,
    DateColumn,
    Fact,
    InspectView,
    ReadOnlyViewSet,
    StateColumn,
    date_text,
    money_text,
)
from cms_billing.core.money import Money
from cms_billing.core.ui.viewsets import BillingIndexView
from cms_billing.faktura.models import DocumentKind

from .models import DailyRun
from .views import progress_of, run_header_buttons, seconds


class RunFilterSet(BillingFilterSet):
    day = django_filters.DateFromToRangeFilter(label=gettext_lazy("Day"), widget=DateRangePickerWidget)

    class Meta:
        model = DailyRun
        fields = ["state", "day"]


class RunIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        rows = super().rows().select_related("issuer")
        return rows.annotate(done=Sum("steps__done"), failed=Sum("steps__failed"))

    @property
    def header_buttons(self) -> list[Any]:
        return run_header_buttons(self.request.user)


class RunInspectView(InspectView):
    template_name = "cms_billing/daily/admin/run.html"
    extension = "billing_run"

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def facts(self) -> Iterable[Fact]:
        run = self.object
        report = run.report or {}
        yield Fact(_("Issuer"), run.issuer)
        yield Fact(_("Day"), date_text(run.day))
        yield Fact(_("Started"), date_text(run.started_at))
        yield Fact(_("Took"), seconds(run))
        if not report.get("sent", True):
            yield Fact(_("Sent and collected"), _("nothing: made on a copy of the database"), tone="warning")
        for kind, found in report.get("issued", {}).items():
            label = dict(DocumentKind.choices).get(kind, kind)
            amount = money_text(Money(found["gross_minor"], found["currency"]))
            yield Fact(_("Issued: %(kind)s") % {"kind": label}, f"{found['count']} · {amount}")
        yield Fact(_("Received"), _amounts(report.get("received_minor", {})))
        yield Fact(_("Open in all"), _amounts(report.get("open_minor", {})))
        yield Fact(_("Overdue"), str(report["overdue"]) if "overdue" in report else "")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **progress_of(self.object)}


def _amounts(minor: dict[str, int]) -> str:
    return ", ".join(money_text(Money(amount, currency)) for currency, amount in minor.items())


class RunViewSet(ReadOnlyViewSet):
    model = DailyRun
    icon = "rotate"
    menu_label = gettext_lazy("Daily runs")
    menu_order = 120
    list_display = [
        "__str__",
        StateColumn(
            "state",
            label=gettext_lazy("State"),
            accessor="get_state_display",
            good=lambda run: run.state == DailyRun.State.DONE,
            sort_key="state",
        ),
        DateColumn("started_at", label=gettext_lazy("Started"), sort_key="started_at"),
        Column("took", label=gettext_lazy("Took"), accessor=seconds),
        Column("done", label=gettext_lazy("Done")),
        Column("failed", label=gettext_lazy("Failed")),
    ]
    ordering = ("-day", "issuer__name")
    filterset_class = RunFilterSet
    index_view_class = RunIndexView
    inspect_view_class = RunInspectView
