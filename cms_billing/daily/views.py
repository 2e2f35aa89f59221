"""The to-do list, failed work, and starting or previewing a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import islice
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy
from django.views.generic import TemplateView, View
from django.views.generic.edit import FormView
from wagtail.admin import messages
from wagtail.admin.admin_url_finder import AdminURLFinder
from wagtail.admin.ui.tables import Column
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets import AdminDateInput
from wagtail.admin.widgets.button import HeaderButton

from cms_billing.core import clock, outbox
from cms_billing.core.admin import (
    DateColumn,
    LinkColumn,
    MoneyColumn,
    Section,
    TableSection,
    money_text,
    rows_visible_to,
)
from cms_billing.core.exceptions import BillingError
from cms_billing.core.models import OutsideWork
from cms_billing.core.money import Money
from cms_billing.faktura.models import Issuer
from cms_billing.faktura.services import mark_sent_by_post

from . import selectors
from .columns import PostedColumn, RetryColumn
from .models import DailyRun
from .preview import preview
from .services import start_run
from .steps import STEPS

# Rows of a section before it says how many more there are.
SHOWN = 20
# Rows a preview lists; the sums count all.
PREVIEWED = 500

ANY_VIEW = (
    "cms_billing_faktura.view_openitem",
    "cms_billing_daily.view_parkedrow",
    "cms_billing_dunning.view_case",
)


class _Permitted:
    """Any one of ``permissions``."""

    permissions: Iterable[str] = ()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not any(request.user.has_perm(name) for name in self.permissions):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]


class TodoView(_Permitted, WagtailAdminTemplateMixin, TemplateView):
    """Everything that waits for a person today."""

    template_name = "cms_billing/daily/admin/todo.html"
    page_title = gettext_lazy("To do")
    header_icon = "tasks"
    permissions = ANY_VIEW

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        return [*self.breadcrumbs_items, {"url": "", "label": self.page_title}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        sections = list(self.sections())
        return {**context, "sections": sections, "nothing": not any(section.rows for section in sections)}

    def sections(self) -> Iterable[TableSection]:
        user, today = self.request.user, clock.today()
        if user.has_perm("cms_billing_faktura.view_openitem"):
            due = selectors.due_today(user, today=today)
            yield items_section(_("Due today"), due, empty=_("Nothing is due today."))
        if user.has_perm("cms_billing_daily.view_parkedrow"):
            yield parked_section(user)
        if user.has_perm("cms_billing_daily.view_dailyrun"):
            yield failed_section(user, limit=SHOWN)
        if user.has_perm("cms_billing_dunning.view_case"):
            yield cases_section(user)
        if user.has_perm("cms_billing_faktura.view_document"):
            yield posting_section(user)
        if user.has_perm("cms_billing_faktura.view_openitem"):
            yield items_section(_("Overdue, the oldest first"), selectors.overdue(user, today=today))


def _shown(rows: Any) -> tuple[list[Any], str]:
    """The first rows, and a note that says how many more there are."""
    first = list(rows[:SHOWN])
    more = rows.count() - len(first) if len(first) == SHOWN else 0
    note = ngettext("%(n)s more.", "%(n)s more.", more) % {"n": more} if more else ""
    return first, note


def parked_section(user: Any) -> TableSection:
    rows, note = _shown(selectors.parked(user))
    finder = AdminURLFinder(user)
    labels = {step.name: step.label for step in STEPS}
    return TableSection(
        _("Left by the daily run"),
        [
            LinkColumn("label", label=_("What"), get_url=lambda row: subject_url(row, finder)),
            Column("step", label=_("Step"), accessor=lambda row: labels.get(row.step, row.step)),
            Column("reason", label=_("Why, and what to do")),
            DateColumn("first_seen", label=_("Since")),
        ],
        rows,
        note=note or _("Tried again every day until it is mended."),
        empty=_("The daily run left nothing behind."),
    )


def subject_url(row: Any, finder: AdminURLFinder) -> str | None:
    """The page of the parked row's subject, where it has one and the user may see it."""
    from django.apps import apps

    try:
        subject = apps.get_model(row.subject)._base_manager.filter(pk=row.subject_id).first()
    except LookupError:
        return None
    subject = getattr(subject, "contract", subject)
    return finder.get_edit_url(subject) if subject is not None else None


def failed_section(user: Any, *, limit: int) -> TableSection:
    rows = list(islice(selectors.failed_work(user, limit=limit), limit))
    columns = [
        Column("kind", label=_("Kind")),
        Column("title", label=_("What")),
        Column("reason", label=_("Why it failed")),
        Column("attempts", label=_("Attempts")),
    ]
    if user.has_perm("cms_billing_daily.retry_work"):
        columns.append(RetryColumn("retry", label=_("Try again")))
    return TableSection(
        _("Failed mails, PDFs and charges"),
        columns,
        rows,
        empty=_("Nothing failed."),
        url=reverse("billing_failed_work"),
        url_label=_("All failed work"),
    )


def cases_section(user: Any) -> TableSection:
    rows, note = _shown(selectors.cases_to_decide(user))
    return TableSection(
        _("Dunning cases to decide"),
        [
            LinkColumn(
                "case",
                label=_("Case"),
                accessor=str,
                get_url=lambda row: reverse("billing-dunning:inspect", args=[row.pk]),
            ),
            DateColumn("last_letter_on", label=_("Last letter")),
            MoneyColumn("open_amount", label=_("Open")),
        ],
        rows,
        note=note,
        empty=_("No case waits for a decision."),
    )


def posting_section(user: Any) -> TableSection:
    rows, note = _shown(selectors.documents_to_post(user))
    columns = [
        LinkColumn(
            "document",
            label=pgettext("billing", "Document"),
            accessor=str,
            get_url=lambda row: reverse("billing-document:inspect", args=[row.pk]),
        ),
        Column("recipient_name", label=_("Customer")),
        DateColumn("issued_on", label=_("Date")),
        LinkColumn(
            "pdf",
            label=_("PDF"),
            accessor=lambda row: _("open"),
            get_url=lambda row: reverse("billing-document:pdf", args=[row.pk]),
        ),
    ]
    if user.has_perm("cms_billing_faktura.send_document"):
        columns.append(PostedColumn("posted", label=_("In the post")))
    return TableSection(
        _("To send by post"),
        columns,
        rows,
        note=note or _("Their customers have no e-mail address."),
        empty=_("Nothing to post."),
    )


def items_section(title: str, items: Any, *, empty: str = "") -> TableSection:
    rows, note = _shown(items)
    return TableSection(
        title,
        [
            LinkColumn(
                "document",
                label=pgettext("billing", "Document"),
                accessor=lambda item: str(item.document),
                get_url=lambda item: reverse("billing-document:inspect", args=[item.pk]),
            ),
            LinkColumn(
                "customer",
                label=_("Customer"),
                accessor=lambda item: str(item.customer),
                get_url=lambda item: reverse("billing-customer:inspect", args=[item.customer_id]),
            ),
            DateColumn("due_on", label=_("Due on")),
            MoneyColumn("open_amount", label=_("Open")),
        ],
        rows,
        note=note,
        empty=empty or _("Nothing is overdue."),
        url=f"{reverse('billing-document:index')}?standing=overdue",
    )


class FailedWorkView(_Permitted, WagtailAdminTemplateMixin, TemplateView):
    template_name = "cms_billing/daily/admin/failed.html"
    page_title = gettext_lazy("Failed work")
    header_icon = "warning"
    permissions = ("cms_billing_daily.view_dailyrun",)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        todo = {"url": reverse("billing_todo"), "label": _("To do")}
        return [*self.breadcrumbs_items, todo, {"url": "", "label": self.page_title}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        section = failed_section(user, limit=500)
        section.url = None
        may_retry = bool(section.rows) and user.has_perm("cms_billing_daily.retry_work")
        return {**super().get_context_data(**kwargs), "section": section, "may_retry": may_retry}


class RetryView(_Permitted, View):
    """POST ``label`` and ``pk``: one row; without them: all the user sees."""

    permissions = ("cms_billing_daily.retry_work",)
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        rows = [self._row(request)] if request.POST.get("pk") else self._all(request)
        for row in rows:
            outbox.try_again(row)
        n = len(rows)
        text = ngettext("%(n)s piece of work is tried again.", "%(n)s pieces of work are tried again.", n)
        messages.success(request, text % {"n": n})
        return redirect(
            "billing_todo" if request.POST.get("back") == "billing_todo" else "billing_failed_work"
        )

    def _row(self, request: HttpRequest) -> OutsideWork:
        try:
            model, pk = outbox.model_of(request.POST.get("label", "")), int(request.POST["pk"])
        except (LookupError, ValueError) as error:
            raise Http404 from error
        failed = selectors.visible_work(model, request.user).filter(work_state=OutsideWork.WorkState.FAILED)
        return get_object_or_404(failed, pk=pk)

    def _all(self, request: HttpRequest) -> list[OutsideWork]:
        return [work.row for work in selectors.failed_work(request.user)]


class PostedView(_Permitted, View):
    permissions = ("cms_billing_faktura.send_document",)
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        document = get_object_or_404(selectors.documents_to_post(request.user), pk=pk)
        mark_sent_by_post(document=document, user=request.user)
        messages.success(request, _("%(document)s is in the post.") % {"document": document})
        return redirect("billing_todo")


# -- runs ----------------------------------------------------------------------------------------------------------


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


class _RunPage(_Permitted, WagtailAdminTemplateMixin):
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


class ProgressView(_Permitted, TemplateView):
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
