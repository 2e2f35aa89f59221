"""Billing › Leak checks: what the last ones found, and the start of another."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views.generic.edit import FormView
from wagtail.admin import messages
from wagtail.admin.ui.tables import Column
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets import AdminPageChooser
from wagtail.admin.widgets.button import HeaderButton
from wagtail.models import Page

from cms_billing.core.admin import (
    BillingIndexView,
    DateColumn,
    Fact,
    InspectView,
    ReadOnlyViewSet,
    Section,
    StateColumn,
    WhatNext,
    date_text,
)
from cms_billing.core.exceptions import BillingError

from ..models import LeakCheckRun
from .findings import Kind
from .findings_list import FindingsSection
from .runs import start_leak_check

VIEW = "cms_billing_paywall.view_leakcheckrun"
START = "cms_billing_paywall.start_leakcheckrun"


class StartForm(forms.Form):
    section = forms.ModelChoiceField(
        label=pgettext_lazy("of a site", "Section"),
        queryset=Page.objects.filter(depth__gt=1),
        required=False,
        widget=AdminPageChooser,
        help_text=gettext_lazy("Only this page and what is below it. Empty: the whole site."),
    )
    pages = forms.IntegerField(
        label=gettext_lazy("Pages at most"),
        min_value=1,
        required=False,
        help_text=gettext_lazy("As many closed and as many open pages, spread evenly. Empty: all."),
    )


class StartView(WagtailAdminTemplateMixin, FormView):
    template_name = "cms_billing/core/admin/action.html"
    page_title = gettext_lazy("Check for leaks now")
    header_icon = "lock"
    form_class = StartForm
    action_label = pgettext_lazy("verb", "Start")
    explanation = gettext_lazy(
        "Asks for pages, search, feeds, APIs and files as a guest, as members of each plan and in arrears, and tells "
        "where text of a closed page comes out. It only reads. The workers do it; you can close the page."
    )

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(START):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        checks = {"url": reverse("billing-leakcheckrun:index"), "label": _("Leak checks")}
        return [*self.breadcrumbs_items, checks, {"url": "", "label": self.get_page_title()}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {**context, "media": context["form"].media, "back_url": reverse("billing-leakcheckrun:index")}

    def form_valid(self, form: forms.Form) -> HttpResponse:
        try:
            run = start_leak_check(**form.cleaned_data, user=self.request.user)
        except BillingError as error:
            form.add_error(None, str(error))
            return self.form_invalid(form)
        messages.success(self.request, _("The check has been started."))
        return redirect("billing-leakcheckrun:inspect", run.pk)


class LeakCheckIndexView(BillingIndexView):
    @cached_property
    def header_buttons(self) -> list[Any]:
        if not self.request.user.has_perm(START):
            return []
        return [HeaderButton(_("Check now"), url=reverse("billing-leakcheckrun:start"), icon_name="plus")]

    def rows(self) -> Any:
        return super().rows().defer("findings")

    def what_next(self) -> WhatNext:
        text = _("Nothing has been checked yet. A check tells where text of closed pages comes out.")
        if not self.request.user.has_perm(START):
            return WhatNext(text)
        return WhatNext(text, reverse("billing-leakcheckrun:start"), _("Check now"))


class LeakCheckInspectView(InspectView):
    template_name = "cms_billing/paywall/admin/leak_check.html"

    def rows(self) -> Any:
        return super().rows().select_related("section", "started_by")

    def facts(self) -> Iterable[Fact]:
        run = self.object
        yield Fact(_("Started"), date_text(run.started_at))
        yield Fact(_("Started by"), run.started_by or "")
        yield Fact(pgettext("of a site", "Section"), run.section or "")
        yield Fact(_("Pages at most"), run.pages)
        yield Fact(_("Closed pages"), run.closed_pages)
        yield Fact(_("Requests"), run.asked)
        none_so_far = "good" if run.is_over else ""
        yield Fact(_("Leaks"), run.leaks, tone="critical" if run.leaks else none_so_far)
        yield Fact(_("Warnings"), run.warnings, tone="warning" if run.warnings else "")
        yield Fact(_("Last error"), run.last_error, tone="critical")

    def own_sections(self) -> Iterable[Section]:
        run = self.object
        for title, kinds in (
            (_("Leaks"), [kind for kind in Kind if kind.is_leak]),
            (_("Warnings"), [kind for kind in Kind if not kind.is_leak]),
        ):
            rows = [found for found in run.findings if found["kind"] in kinds]
            if rows or (run.is_over and kinds[0].is_leak):
                yield FindingsSection(title, rows, empty=_("None."))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **progress_of(self.object)}


def progress_of(run: LeakCheckRun) -> dict[str, Any]:
    return {"run": run, "is_running": not run.is_over}


def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a check is, as a fragment; its page asks for it while it goes on."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    run = get_object_or_404(LeakCheckRun.objects.defer("findings"), pk=pk)
    return render(request, "cms_billing/paywall/admin/_leak_check_progress.html", progress_of(run))


class LeakCheckViewSet(ReadOnlyViewSet):
    model = LeakCheckRun
    icon = "lock"
    menu_label = gettext_lazy("Leak checks")
    menu_order = 720
    # A check is about the site, not about an issuer.
    scoped = False
    list_display = [
        "__str__",
        # What counts comes first: on a telephone the rest is off the screen.
        Column("leaks", label=gettext_lazy("Leaks")),
        Column("warnings", label=gettext_lazy("Warnings")),
        StateColumn(
            "work_state",
            label=gettext_lazy("State"),
            accessor="get_work_state_display",
            good=lambda run: run.work_state == LeakCheckRun.WorkState.DONE,
        ),
        DateColumn("started_at", label=gettext_lazy("Started"), sort_key="started_at"),
        Column("closed_pages", label=gettext_lazy("Closed pages")),
    ]
    ordering = ("-started_at", "-id")
    index_view_class = LeakCheckIndexView
    inspect_view_class = LeakCheckInspectView

    def get_urlpatterns(self) -> list[Any]:
        return [
            *super().get_urlpatterns(),
            path("start/", self.construct_view(StartView), name="start"),
            path("progress/<int:pk>/", progress, name="progress"),
        ]
