"""Invoice runs: tried out, started, watched, and their drafts issued."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.ui.tables import Column
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets.button import HeaderButton

from cms_billing.core import clock
from cms_billing.core.admin import (
    Action,
    ActionView,
    BillingFilterSet,
    BillingIndexView,
    DateColumn,
    Fact,
    InspectView,
    LinkColumn,
    MoneyColumn,
    ReadOnlyViewSet,
    Section,
    StateColumn,
    TableSection,
    date_text,
    money_text,
    rows_visible_to,
)
from cms_billing.core.exceptions import BillingError
from cms_billing.core.models import OutsideWork
from cms_billing.core.money import Money

from ..models import Document, InvoiceRun
from ..services import RunPreview, finalise_drafts, issue_by_worker, preview_run, start_invoice_run
from .draft_pages import ISSUE
from .run_forms import RunForm, usual_period

START = "cms_billing_faktura.start_invoicerun"
# A preview is worked out in the request: so many customers, and it says so where there are more.
PREVIEWED = 2000
# More drafts than this are issued by a worker.
AT_ONCE = 200
SHOWN = 50


class RunFilterSet(BillingFilterSet):
    class Meta:
        model = InvoiceRun
        fields = ["work_state", "result"]


class RunIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "schedule").annotate(made=Count("documents"))

    @cached_property
    def header_buttons(self) -> list[Any]:
        if not self.request.user.has_perm(START):
            return []
        return [HeaderButton(_("New run"), url=reverse("billing-invoicerun:new"), icon_name="plus")]


class NewRunView(WagtailAdminTemplateMixin, TemplateView):
    """The form, the preview of what it asks for, and the start. The preview writes nothing."""

    template_name = "cms_billing/faktura/admin/run_new.html"
    page_title = gettext_lazy("New run")
    header_icon = "clipboard-list"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(START):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        runs = {"url": reverse("billing-invoicerun:index"), "label": _("Invoice runs")}
        return [*self.breadcrumbs_items, runs, {"url": "", "label": self.get_page_title()}]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        given = request.GET if "period_start" in request.GET else None
        form = RunForm(given, user=request.user, initial=usual_period(clock.today()))
        context = self.get_context_data(form=form, media=form.media)
        if given is not None and form.is_valid():
            context |= plan_of(form.run())
        return self.render_to_response(context)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = RunForm(request.POST, user=request.user)
        if form.is_valid():
            try:
                run = start_invoice_run(
                    **form.cleaned_data, today=clock.today(form.cleaned_data["issuer"]), user=request.user
                )
            except BillingError as error:
                form.add_error(None, str(error))
            else:
                messages.success(
                    request, _("The run has been started. The workers do it; you can close the page.")
                )
                return redirect("billing-invoicerun:inspect", run.pk)
        return self.render_to_response(self.get_context_data(form=form, media=form.media))


def plan_of(run: InvoiceRun) -> dict[str, Any]:
    """What the run would do today, beside what runs of its period have done."""
    today = clock.today(run.issuer)
    preview = preview_run(run, today=today, shown=SHOWN, at_most=PREVIEWED)
    return {
        "preview": preview,
        "sums": [money_text(total) for total in preview.totals.values()],
        "before": [_before(other) for other in runs_of_period(run)],
        "same_run": _same_run(run),
        "sections": [_first_section(preview), *_problem_section(preview.problems)],
        "start_label": _("Write the drafts") if run.result == run.Result.DRAFTS else _("Issue the invoices"),
    }


def runs_of_period(run: InvoiceRun) -> QuerySet[InvoiceRun]:
    """The latest runs that overlap the period."""
    return (
        InvoiceRun.objects.filter(
            issuer=run.issuer, period_start__lte=run.period_end, period_end__gte=run.period_start
        )
        .select_related("issuer")
        .order_by("-started_at")[:3]
    )


def _same_run(run: InvoiceRun) -> InvoiceRun | None:
    names = ("issuer", "period_start", "period_end", "customer_kind", "source", "contract", "result")
    return InvoiceRun.objects.filter(**{name: getattr(run, name) for name in names}).first()


def _before(run: InvoiceRun) -> dict[str, Any]:
    return {
        "url": reverse("billing-invoicerun:inspect", args=[run.pk]),
        "text": str(run),
        "started": date_text(run.started_at),
        **made_by(run),
    }


def made_by(run: InvoiceRun) -> dict[str, Any]:
    """How many documents a run has made, how many of them are drafts still, and their sums; one query."""
    rows = list(
        Document.objects.filter(invoice_run=run)
        .order_by()
        .values("currency", "state")
        .annotate(n=Count("pk"), total=Sum("gross_minor"))
    )
    sums: dict[str, int] = {}
    for row in rows:
        sums[row["currency"]] = sums.get(row["currency"], 0) + row["total"]
    return {
        "count": sum(row["n"] for row in rows),
        "drafts": sum(row["n"] for row in rows if row["state"] == Document.State.DRAFT),
        "sums": ", ".join(money_text(Money(total, currency)) for currency, total in sorted(sums.items())),
    }


def _first_section(preview: RunPreview) -> Section:
    note = ""
    if preview.documents > len(preview.first):
        note = _("The first %(n)s of %(total)s.") % {"n": len(preview.first), "total": preview.documents}
    return TableSection(
        _("Invoices"),
        [
            LinkColumn(
                "customer",
                label=_("Customer"),
                accessor=lambda row: str(row[0]),
                get_url=lambda row: reverse("billing-customer:inspect", args=[row[0].pk]),
            ),
            Column("what", label=_("What"), accessor=lambda row: _first_words(row[1])),
            Column("lines", label=pgettext("of a document", "Lines"), accessor=lambda row: len(row[1].lines)),
            MoneyColumn(
                "total",
                label=_("Total"),
                accessor=lambda row: Money(row[1].totals().total.gross, row[1].currency),
            ),
        ],
        preview.first,
        note=note,
        empty=_("Nothing is to be billed for this period."),
    )


def _first_words(draft: Any) -> str:
    first = draft.lines[0].description
    return f"{first} …" if len(draft.lines) > 1 else first


def _problem_section(problems: list[Any]) -> Iterable[Section]:
    if problems:
        yield TableSection(
            _("Cannot be billed"),
            [
                LinkColumn(
                    "label",
                    label=_("Customer"),
                    accessor=lambda row: _of(row, "label"),
                    get_url=lambda row: reverse("billing-customer:inspect", args=[_of(row, "subject_id")]),
                ),
                Column("reason", label=_("Why not"), accessor=lambda row: _of(row, "reason")),
            ],
            problems,
            note=_("These bookings stay open. Put it right and run again: the rest is not billed twice."),
        )


def _of(problem: Any, name: str) -> Any:
    """A problem just found, or one that a run has kept."""
    return problem[name] if isinstance(problem, dict) else getattr(problem, name)


def is_done(run: Any) -> bool:
    return run.work_state in (OutsideWork.WorkState.DONE, OutsideWork.WorkState.FAILED)


class RunInspectView(InspectView):
    template_name = "cms_billing/faktura/admin/run.html"
    extension = "billing_invoice_run"
    actions = [
        Action(
            gettext_lazy("Issue all drafts"),
            "billing-invoicerun:finalise",
            "check",
            ISSUE,
            when=lambda run: is_done(run) and made_by(run)["drafts"] > 0,
        ),
        Action(
            gettext_lazy("Run again"),
            "billing-invoicerun:again",
            "rotate",
            START,
            when=is_done,
        ),
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "schedule", "started_by")

    def facts(self) -> Iterable[Fact]:
        run = self.object
        made = made_by(run)
        yield Fact(_("Issuer"), run.issuer)
        yield Fact(_("Due"), f"{date_text(run.period_start)} – {date_text(run.period_end)}")
        yield Fact(_("Customers"), run.get_customer_kind_display())
        yield Fact(_("What was sold"), run.source)
        yield Fact(_("Contract number"), run.contract)
        yield Fact(_("Result"), run.get_result_display())
        yield Fact(_("Started"), date_text(run.started_at))
        yield Fact(_("Started by"), run.started_by or run.schedule or "")
        yield Fact(pgettext("billing", "Documents"), made["count"] or None)
        yield Fact(_("Drafts among them"), made["drafts"] or None, tone="warning")
        yield Fact(_("Total"), made["sums"])
        yield Fact(_("Last error"), run.last_error, tone="critical")

    def own_sections(self) -> Iterable[Section]:
        yield from _problem_section(self.object.problems)
        yield self._documents()

    def _documents(self) -> Section:
        documents = self.object.documents.order_by("-pk").select_related("customer")[:SHOWN]
        return TableSection(
            pgettext("billing", "Documents"),
            [
                LinkColumn(
                    "document",
                    label=pgettext("billing", "Document"),
                    accessor=str,
                    get_url=lambda row: reverse("billing-document:inspect", args=[row.pk]),
                ),
                Column("recipient_name", label=_("Customer")),
                StateColumn(
                    "state",
                    label=_("State"),
                    accessor="get_state_display",
                    good=lambda row: row.state == Document.State.ISSUED,
                ),
                MoneyColumn("gross", label=_("Total")),
            ],
            documents,
            empty=_("None yet."),
            url=f"{reverse('billing-draft:index')}?invoice_run={self.object.pk}",
            url_label=_("All drafts of this run"),
            note=_("The latest %(n)s.") % {"n": SHOWN},
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **progress_of(self.object)}


def progress_of(run: InvoiceRun) -> dict[str, Any]:
    return {"run": run, "is_running": not is_done(run), "expected": max(run.expected, run.taken)}


def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a run is, as a fragment; its page asks for it while it goes on."""
    if not request.user.has_perm("cms_billing_faktura.view_invoicerun"):
        raise PermissionDenied
    run = get_object_or_404(rows_visible_to(InvoiceRun, request.user), pk=pk)
    return render(request, "cms_billing/faktura/admin/_run_progress.html", progress_of(run))


class IssueAllView(ActionView):
    model = InvoiceRun
    permission = ISSUE
    page_title = gettext_lazy("Issue all drafts")
    action_label = pgettext_lazy("billing", "Issue now")
    explanation = gettext_lazy(
        "All drafts of this run get their numbers and today's date and are sent to the customers. They cannot be "
        "changed any more."
    )

    @cached_property
    def drafts(self) -> QuerySet[Document]:
        return self.object.documents.filter(state=Document.State.DRAFT)

    def obstacle(self) -> str:
        if not is_done(self.object):
            return _("The run is still under way: wait until it is finished.")
        return "" if self.drafts.exists() else _("There are no drafts left in this run.")

    def perform(self, form: forms.Form) -> str:
        issuer, user = self.object.issuer, self.request.user
        today = clock.today(issuer)
        ids = list(self.drafts.values_list("pk", flat=True)[: AT_ONCE + 1])
        if len(ids) > AT_ONCE:
            count = issue_by_worker(issuer=issuer, drafts=self.drafts, today=today, user=user)
            return _(
                "A worker issues the %(n)s drafts; whatever is left then is issued by the next daily run."
            ) % {"n": count}
        result = finalise_drafts(issuer=issuer, document_ids=ids, today=today, user=user)
        for problem in result.problems[:5]:
            messages.error(self.request, f"{problem.label}: {problem.reason}")
        count = len(result.done)
        return ngettext(
            "%(count)s document has been issued.", "%(count)s documents have been issued.", count
        ) % {"count": count}


class RunAgainView(ActionView):
    model = InvoiceRun
    permission = START
    page_title = gettext_lazy("Run again")
    action_label = pgettext_lazy("verb", "Start")
    explanation = gettext_lazy(
        "What has come since, was cancelled or could not be billed is added to this run. What it has billed already is "
        "not billed twice."
    )

    def obstacle(self) -> str:
        return "" if is_done(self.object) else _("The run is still under way: wait until it is finished.")

    def perform(self, form: forms.Form) -> str:
        run: Any = self.object
        start_invoice_run(
            issuer=run.issuer,
            period_start=run.period_start,
            period_end=run.period_end,
            today=clock.today(run.issuer),
            schedule=run.schedule,
            user=self.request.user,
            customer_kind=run.customer_kind,
            source=run.source,
            contract=run.contract,
            result=run.result,
        )
        return _("The run has been started. The workers do it; you can close the page.")


class InvoiceRunViewSet(ReadOnlyViewSet):
    model = InvoiceRun
    icon = "clipboard-list"
    menu_order = 320
    list_display = [
        "__str__",
        DateColumn("started_at", label=gettext_lazy("Started"), sort_key="started_at"),
        StateColumn(
            "work_state",
            label=gettext_lazy("State"),
            accessor="get_work_state_display",
            good=lambda run: run.work_state == OutsideWork.WorkState.DONE,
        ),
        Column("made", label=pgettext_lazy("billing", "Documents")),
        Column("problems", label=gettext_lazy("Problems"), accessor=lambda run: len(run.problems) or ""),
    ]
    ordering = ("-started_at", "-id")
    filterset_class = RunFilterSet
    index_view_class = RunIndexView
    inspect_view_class = RunInspectView

    def get_urlpatterns(self) -> list[Any]:
        return [
            *super().get_urlpatterns(),
            path("start/", self.construct_view(NewRunView), name="new"),
            path("progress/<int:pk>/", progress, name="progress"),
            path("issue/<int:pk>/", self.construct_view(IssueAllView), name="finalise"),
            path("again/<int:pk>/", self.construct_view(RunAgainView), name="again"),
        ]
