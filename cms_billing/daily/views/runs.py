"""Starting, previewing and watching a run."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.generic import TemplateView
from django.views.generic.edit import FormView
from wagtail.admin import messages
from wagtail.admin.ui.tables import Column
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets import AdminDateInput
from wagtail.admin.widgets.button import HeaderButton

from cms_billing.core import clock
from cms_billing.core.admin import (
    MoneyColumn,
    Section,
    TableSection,
    money_text,
    rows_visible_to,
)
from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money
from cms_billing.faktura.models import Issuer

from ..models import DailyRun
from ..preview import preview
from ..services import start_run
from ..steps import STEPS
from .permitted import Permitted

# Rows a preview lists; the sums count all.
PREVIEWED = 500


class IssuerForm(forms.Form):
    issuer = forms.ModelChoiceField(
        label=gettext_lazy("Issuer"), queryset=Issuer.objects.none(), empty_label=None
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["issuer"].queryset = rows_visible_to(Issuer, user).filter(is_active=True)  # type: ignore[attr-defined]


class PreviewForm(IssuerForm):
    day = forms.DateField(
        label=gettext_lazy("Day"), widget=AdminDateInput, help_text=gettext_lazy("Today, or a day to come.")
    )


class _RunPage(Permitted, WagtailAdminTemplateMixin):
    header_icon = "rotate"

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        runs = {"url": reverse("billing-dailyrun:index"), "label": _("Daily runs")}
        return [*self.breadcrumbs_items, runs, {"url": "", "label": self.get_page_title()}]


class StartRunView(_RunPage, FormView):
    template_name = "cms_billing/core/admin/action.html"
    page_title = gettext_lazy("Start a run now")
    permissions = ("cms_billing_daily.start_run",)
    form_class = IssuerForm
    action_label = pgettext_lazy("verb", "Start")
    explanation = gettext_lazy(
        "Books what is due today, issues and sends invoices, collects payments and sends reminders. What has been done "
        "already is not done again. The workers do it; you can close the page."
    )

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.request.user}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "back_url": reverse("billing-dailyrun:index")}

    def form_valid(self, form: forms.Form) -> HttpResponse:
        issuer = form.cleaned_data["issuer"]
        try:
            run = start_run(issuer=issuer, today=clock.today(issuer))
        except BillingError as error:
            form.add_error(None, str(error))
            return self.form_invalid(form)
        messages.success(self.request, _("The run of %(run)s has been started.") % {"run": run})
        return redirect("billing-dailyrun:inspect", run.pk)


class PreviewView(_RunPage, TemplateView):
    """The dry run: what a day would bring, with amounts. Reads only."""

    template_name = "cms_billing/daily/admin/preview.html"
    page_title = gettext_lazy("Preview")
    permissions = ("cms_billing_daily.view_dailyrun",)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        given = self.request.GET if "issuer" in self.request.GET else None
        form = PreviewForm(given, user=self.request.user, initial={"day": clock.today()})
        context |= {"form": form, "media": form.media}
        if given is not None and form.is_valid():
            context |= self._plan(form)
        return context

    def _plan(self, form: forms.Form) -> dict[str, Any]:
        issuer, day = form.cleaned_data["issuer"], form.cleaned_data["day"]
        if day < clock.today(issuer):
            form.add_error("day", _("That day has passed: its run is in the list of runs."))
            return {}
        sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        counts: dict[str, int] = defaultdict(int)
        shown: list[Any] = []
        for planned in preview(issuer, today=day):
            if planned.problem:
                counts["problem"] += 1
            else:
                counts[planned.step] += 1
                if planned.amount is not None:
                    sums[planned.step][planned.amount.currency] += planned.amount.minor
            if len(shown) < PREVIEWED:
                shown.append(planned)
        return {
            "summary": _summary(counts, sums),
            "section": _planned_section(shown, total=sum(counts.values())),
        }


def _summary(counts: dict[str, int], sums: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    rows = []
    for step in STEPS:
        if counts.get(step.name):
            amounts = [money_text(Money(minor, currency)) for currency, minor in sums[step.name].items()]
            rows.append({"label": step.label, "count": counts[step.name], "amounts": ", ".join(amounts)})
    if counts.get("problem"):
        rows.append({"label": _("Cannot be done"), "count": counts["problem"], "amounts": ""})
    return rows


def _planned_section(planned: list[Any], *, total: int) -> Section:
    labels = {step.name: step.label for step in STEPS}
    note = (
        _("The first %(n)s of %(total)s.") % {"n": len(planned), "total": total}
        if total > len(planned)
        else ""
    )
    return TableSection(
        _("What the run would do"),
        [
            Column("step", label=_("Step"), accessor=lambda row: labels.get(row.step, row.step)),
            Column("label", label=_("What")),
            Column("problem", label=_("Why not")),
            MoneyColumn("amount", label=_("Amount")),
        ],
        planned,
        note=note,
        empty=_("Nothing is due on that day."),
    )


class ProgressView(Permitted, TemplateView):
    """The steps of a run as a fragment; the run's page asks for it while the run goes on."""

    template_name = "cms_billing/daily/admin/steps.html"
    permissions = ("cms_billing_daily.view_dailyrun",)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        run = get_object_or_404(rows_visible_to(DailyRun, self.request.user), pk=self.kwargs["pk"])
        return {**super().get_context_data(**kwargs), **progress_of(run)}


def progress_of(run: DailyRun) -> dict[str, Any]:
    steps = [
        {
            "label": str(step) if step.name != "report" else _("Report"),
            "state": step.get_state_display(),
            "is_running": step.state == step.State.RUNNING,
            "is_done": step.state == step.State.DONE,
            "done": step.done,
            "failed": step.failed,
            "expected": max(step.expected, step.done),
            "seconds": seconds(step),
        }
        for step in run.steps.all()
    ]
    return {"run": run, "steps": steps, "is_running": run.state == DailyRun.State.RUNNING}


def seconds(step: Any) -> str:
    """How long it took, or has been going on, such as ``1:05``."""
    if step.started_at is None:
        return ""
    took = int(((step.finished_at or clock.now()) - step.started_at).total_seconds())
    return f"{max(took, 0) // 60}:{max(took, 0) % 60:02}"


def run_header_buttons(user: Any) -> list[HeaderButton]:
    buttons = [HeaderButton(_("Preview"), url=reverse("billing_preview"), icon_name="view")]
    if user.has_perm("cms_billing_daily.start_run"):
        buttons.append(HeaderButton(_("Start a run now"), url=reverse("billing_start_run"), icon_name="plus"))
    return buttons
