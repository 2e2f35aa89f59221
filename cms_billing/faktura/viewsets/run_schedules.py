"""Schedules: invoice runs that start by themselves with the daily run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.panels import FieldPanel, FieldRowPanel, HelpPanel, MultiFieldPanel, ObjectList
from wagtail.admin.ui.tables import Column

from cms_billing.core import clock
from cms_billing.core.admin import (
    BillingFilterSet,
    BillingIndexView,
    BillingModelViewSet,
    DateColumn,
    Fact,
    InspectView,
    LinkColumn,
    Section,
    StateColumn,
    TableSection,
    date_text,
)

from ..models import RunSchedule
from ..services import next_day
from .run_forms import SOURCES, ScheduleForm


def next_of(schedule: RunSchedule) -> Any:
    """The day it starts next; None where it has been stopped."""
    return next_day(schedule, today=clock.today(schedule.issuer)) if schedule.is_active else None


class ScheduleFilterSet(BillingFilterSet):
    class Meta:
        model = RunSchedule
        fields = ["is_active"]


class ScheduleIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")


class ScheduleInspectView(InspectView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def facts(self) -> Iterable[Fact]:
        schedule = self.object
        yield Fact(_("Issuer"), schedule.issuer)
        day = _("day %(number)s") % {"number": schedule.day}
        yield Fact(_("Repeated"), f"{schedule.get_every_display()}, {day}")
        yield Fact(_("Next run on"), date_text(next_of(schedule)) or _("stopped"))
        yield Fact(_("Result"), schedule.get_result_display())
        yield Fact(_("Customers"), schedule.get_customer_kind_display())
        yield Fact(_("What was sold"), dict(SOURCES).get(schedule.source, schedule.source))
        yield Fact(_("Contract number"), schedule.contract)

    def own_sections(self) -> Iterable[Section]:
        yield TableSection(
            _("Runs"),
            [
                LinkColumn(
                    "run",
                    label=_("Invoice run"),
                    accessor=str,
                    get_url=lambda run: reverse("billing-invoicerun:inspect", args=[run.pk]),
                ),
                DateColumn("started_at", label=_("Started")),
                Column("state", label=_("State"), accessor="get_work_state_display"),
            ],
            self.object.runs.select_related("issuer").order_by("-started_at")[:20],
            empty=_("It has not started yet."),
        )


class RunScheduleViewSet(BillingModelViewSet):
    model = RunSchedule
    icon = "calendar"
    menu_order = 705
    list_display = [
        "name",
        Column("issuer", label=gettext_lazy("Issuer"), sort_key="issuer__name"),
        Column("every", label=gettext_lazy("Repeated"), accessor="get_every_display"),
        DateColumn("next", label=gettext_lazy("Next run on"), accessor=next_of),
        StateColumn(
            "is_active",
            label=gettext_lazy("State"),
            accessor=lambda schedule: _("active") if schedule.is_active else _("stopped"),
            good=lambda schedule: schedule.is_active,
        ),
    ]
    ordering = ("issuer__name", "name")
    filterset_class = ScheduleFilterSet
    index_view_class = ScheduleIndexView
    inspect_view_class = ScheduleInspectView
    edit_handler = ObjectList(
        [
            HelpPanel(
                gettext_lazy(
                    "The run starts with the daily run of its day and takes everything that is due by then. Where "
                    "the issuer invoices every day, nothing is left for it: untick that in the issuer's terms."
                )
            ),
            FieldRowPanel([FieldPanel("issuer"), FieldPanel("name")]),
            FieldRowPanel([FieldPanel("every"), FieldPanel("day")]),
            MultiFieldPanel(
                [
                    FieldPanel("customer_kind"),
                    FieldPanel("source", widget=forms.Select(choices=SOURCES)),
                    FieldPanel("contract"),
                ],
                heading=gettext_lazy("Which bookings"),
            ),
            FieldPanel("result", widget=forms.RadioSelect),
            FieldPanel("is_active"),
        ],
        base_form_class=ScheduleForm,
    )
