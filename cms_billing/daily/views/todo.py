"""The to-do list: everything that waits for a person today."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import islice
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext
from django.views.generic import TemplateView
from wagtail import hooks
from wagtail.admin.admin_url_finder import AdminURLFinder
from wagtail.admin.ui.tables import Column
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from cms_billing.core import clock
from cms_billing.core.admin import (
    DateColumn,
    LinkColumn,
    MoneyColumn,
    TableSection,
)
from cms_billing.payments.viewsets import differences_to_do, refunds_to_do

from .. import selectors
from ..columns import PostedColumn, RemedyColumn, RetryColumn
from ..steps import STEPS
from .permitted import Permitted

# Rows of a section before it says how many more there are.
SHOWN = 20

ANY_VIEW = (
    "cms_billing_faktura.view_openitem",
    "cms_billing_daily.view_parkedrow",
    "cms_billing_dunning.view_case",
)


class TodoView(Permitted, WagtailAdminTemplateMixin, TemplateView):
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
        if user.has_perm("cms_billing_payments.view_refund"):
            yield refunds_to_do(user, shown=SHOWN)
        if user.has_perm("cms_billing_payments.view_providerdifference"):
            yield differences_to_do(user, shown=SHOWN)
        # Apps that this one does not know: ``@hooks.register("billing_todo_sections")``, given the request.
        for sections_of in hooks.get_hooks("billing_todo_sections"):
            yield from sections_of(self.request)
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
    urls = subject_urls(rows, AdminURLFinder(user))
    labels = {step.name: step.label for step in STEPS}
    return TableSection(
        _("Left by the daily run"),
        [
            LinkColumn("label", label=_("What"), get_url=lambda row: urls.get(row.pk)),
            Column("step", label=_("Step"), accessor=lambda row: labels.get(row.step, row.step)),
            Column("reason", label=_("Why, and what to do")),
            DateColumn("first_seen", label=_("Since")),
        ],
        rows,
        note=note or _("Tried again every day until it is mended."),
        empty=_("The daily run left nothing behind."),
    )


def subject_urls(rows: list[Any], finder: AdminURLFinder) -> dict[int, str]:
    """The page of each parked row's subject, where it has one and the user may see it; one query a model."""
    by_model: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_model[row.subject].append(row)
    urls = {}
    for label, members in by_model.items():
        found = selectors.subjects_of(label, [row.subject_id for row in members])
        for row in members:
            url = finder.get_edit_url(found[row.subject_id]) if row.subject_id in found else None
            if url:
                urls[row.pk] = url
    return urls


def failed_section(user: Any, *, limit: int) -> TableSection:
    rows = list(islice(selectors.failed_work(user, limit=limit), limit))
    columns = [
        Column("kind", label=_("Kind")),
        Column("title", label=_("What")),
        Column("reason", label=_("Why it failed")),
        Column("attempts", label=_("Attempts")),
    ]
    columns.append(RemedyColumn("remedy", label=_("Put right"), user=user))
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
