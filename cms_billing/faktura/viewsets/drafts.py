"""Drafts: their list, and what is done with one of them. Their page is the page of documents."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from wagtail import hooks
from wagtail.admin.menu import MenuItem
from wagtail.admin.viewsets.base import ViewSet
from wagtail.admin.widgets.button import HeaderButton

from cms_billing.core import clock
from cms_billing.core.admin import (
    BILLING_MENU_HOOK,
    Action,
    ActionView,
    BillingFilterSet,
    BillingModelViewSet,
    DateColumn,
    Fact,
    Facts,
    LinkColumn,
    MoneyColumn,
    Section,
    TextSection,
    VisibleChoiceFilter,
    date_text,
    rows_visible_to,
)
from cms_billing.core.ui.viewsets import BillingIndexView

from ..exceptions import CannotCancel
from ..models import Customer, Document, DocumentKind, InvoiceRun
from ..services import copy_as_draft, delete_draft
from .draft_pages import (
    ISSUE,
    WRITE,
    OffersView,
    TotalsView,
    WriteDraftView,
    drafts_visible_to,
    issue_now,
    preview_pdf,
)


def is_draft(document: Any) -> bool:
    return bool(document.state == Document.State.DRAFT)


def run_url(draft: Document) -> str | None:
    return (
        reverse("billing-invoicerun:inspect", args=[draft.invoice_run_id]) if draft.invoice_run_id else None
    )


class DraftFilterSet(BillingFilterSet):
    kind = django_filters.ChoiceFilter(
        label=gettext_lazy("Kind"),
        empty_label=gettext_lazy("All"),
        choices=[(kind.value, kind.label) for kind in (DocumentKind.INVOICE, DocumentKind.PRO_FORMA)],
    )
    issued_by = django_filters.ChoiceFilter(
        label=gettext_lazy("Issued"),
        empty_label=gettext_lazy("All"),
        method="filter_issued_by",
        choices=[("itself", gettext_lazy("by itself, on its day")), ("hand", gettext_lazy("by hand"))],
    )
    invoice_run = VisibleChoiceFilter(label=gettext_lazy("Invoice run"), model=InvoiceRun)

    class Meta:
        model = Document
        fields: list[str] = []

    def filter_issued_by(self, drafts: QuerySet[Document], name: str, value: str) -> QuerySet[Document]:
        return drafts.filter(finalise_on__isnull=value == "hand")


class DraftIndexView(BillingIndexView):
    page_title = gettext_lazy("Drafts")
    any_permission_required = ["view", "draft", "finalise"]

    def rows(self) -> QuerySet[Any]:
        return drafts_visible_to(self.request.user).select_related(
            "issuer", "customer", "invoice_run__issuer"
        )

    def get_page_title(self) -> str:
        return str(self.page_title)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        return [*self.breadcrumbs_items, {"url": "", "label": self.get_page_title()}]

    @cached_property
    def header_buttons(self) -> list[Any]:
        if not self.request.user.has_perm(WRITE):
            return []
        return [HeaderButton(_("New invoice"), url=reverse("billing-draft:add"), icon_name="plus")]


class _DraftAction(ActionView):
    model = Document

    def rows(self) -> QuerySet[Any]:
        return drafts_visible_to(self.request.user).select_related("issuer", "customer")


class DeleteDraftView(_DraftAction):
    permission = WRITE
    page_title = gettext_lazy("Delete the draft")
    action_label = gettext_lazy("Delete")
    is_dangerous = True
    explanation = gettext_lazy("It has no number, so nothing is missing. Its bookings are billed again.")
    is_deleted = False

    def perform(self, form: forms.Form) -> str:
        name = str(self.object)
        delete_draft(document_id=self.object.pk, user=self.request.user)
        self.is_deleted = True
        return _("%(document)s has been deleted.") % {"document": name}

    def back_url(self) -> str:
        return reverse("billing-draft:index") if self.is_deleted else super().back_url()


class IssueDraftView(_DraftAction):
    permission = ISSUE
    page_title = pgettext_lazy("billing", "Issue")
    action_label = pgettext_lazy("billing", "Issue now")
    explanation = gettext_lazy(
        "The draft gets its number and today's date, is sent to the customer and cannot be changed any more."
    )

    def form_valid(self, form: forms.Form) -> HttpResponse:
        issue_now(self.request, self.object)
        return redirect(self.back_url())


class CopyView(ActionView):
    """Any issued invoice or pro forma as a new draft, such as after a cancellation for a wrong address."""

    model = Document
    permission = WRITE
    page_title = gettext_lazy("Copy as a new draft")
    action_label = gettext_lazy("Copy")
    explanation = gettext_lazy(
        "A draft with the same lines and the customer's address as it is now. Deposits are not taken off again, and "
        "bookings stay with the document they are on."
    )

    def obstacle(self) -> str:
        return "" if is_copied(self.object) else str(CannotCancel(document=self.object, obstacle="kind"))

    def form_valid(self, form: forms.Form) -> HttpResponse:
        self.copy: Document | None = None
        return super().form_valid(form)

    def perform(self, form: forms.Form) -> str:
        self.copy = copy_as_draft(
            document_id=self.object.pk,
            kind=self.kind_of_copy(),
            today=clock.today(self.object.issuer),
            user=self.request.user,
        )
        return _("%(copy)s has been made from %(document)s.") % {"copy": self.copy, "document": self.object}

    def kind_of_copy(self) -> str:
        return str(self.object.kind)

    def back_url(self) -> str:
        copy = getattr(self, "copy", None)
        return reverse("billing-draft:edit", args=[copy.pk]) if copy else super().back_url()


class ConvertView(CopyView):
    page_title = gettext_lazy("Make the invoice")
    action_label = gettext_lazy("Make the invoice")
    explanation = gettext_lazy(
        "An invoice with the same lines, as a draft that can be changed before it is issued. It names the pro forma "
        "invoice it was made from."
    )

    def obstacle(self) -> str:
        if self.object.kind == DocumentKind.PRO_FORMA and not is_draft(self.object):
            return ""
        return _("%(document)s is no issued pro forma invoice.") % {"document": self.object}

    def kind_of_copy(self) -> str:
        return str(DocumentKind.INVOICE)


def is_copied(document: Any) -> bool:
    return document.kind in (DocumentKind.INVOICE, DocumentKind.PRO_FORMA) and not is_draft(document)


def new_for_customer(request: HttpRequest, pk: int) -> HttpResponse:
    if not request.user.has_perm(WRITE):
        raise PermissionDenied
    customer = get_object_or_404(rows_visible_to(Customer, request.user), pk=pk)
    return redirect(f"{reverse('billing-draft:add')}?customer={customer.pk}")


class DraftViewSet(BillingModelViewSet):
    """A second list of documents: those that can still be changed."""

    model = Document
    name = "billing-draft"
    icon = "edit"
    menu_label = gettext_lazy("Drafts")
    menu_order = 310
    list_display = [
        "__str__",
        LinkColumn(
            "customer",
            label=gettext_lazy("Customer"),
            accessor="recipient_name",
            get_url=lambda draft: reverse("billing-customer:inspect", args=[draft.customer_id]),
        ),
        DateColumn("finalise_on", label=gettext_lazy("Issued by itself on"), sort_key="finalise_on"),
        LinkColumn(
            "invoice_run",
            label=gettext_lazy("Invoice run"),
            accessor=lambda draft: str(draft.invoice_run or ""),
            get_url=run_url,
        ),
        MoneyColumn("gross", label=gettext_lazy("Total"), sort_key="gross_minor"),
    ]
    ordering = ("-id",)
    search_fields = ["recipient_name", "recipient_email", "customer__number"]
    filterset_class = DraftFilterSet
    index_view_class = DraftIndexView
    form_fields: list[str] = []

    def on_register(self) -> None:
        """The menu only: documents have their permissions and their finder from their own list."""
        self._check_scope()
        ViewSet.on_register(self)

    def get_common_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        of_documents = {
            "inspect_url_name": "billing-document:inspect",
            "history_url_name": None,
            "add_url_name": None,
            "edit_url_name": None,
            "delete_url_name": None,
        }
        # Wagtail overwrites the address of the page with its own.
        return {**super().get_common_view_kwargs(**kwargs), **of_documents, **kwargs}

    def get_urlpatterns(self) -> list[Any]:
        write, totals, offers = (
            self.construct_view(view) for view in (WriteDraftView, TotalsView, OffersView)
        )
        return [
            *(pattern for pattern in super().get_urlpatterns() if pattern.name.startswith("index")),
            path("new/", write, name="add"),
            path("new/<int:pk>/", new_for_customer, name="add_for"),
            path("edit/<int:pk>/", write, name="edit"),
            path("totals/", totals, name="totals"),
            path("totals/<int:pk>/", totals, name="totals_of"),
            path("offers/", offers, name="offers"),
            path("offers/<int:pk>/", offers, name="offers_of"),
            path("preview/<int:pk>/", preview_pdf, name="preview"),
            path("issue/<int:pk>/", self.construct_view(IssueDraftView), name="issue"),
            path("delete/<int:pk>/", self.construct_view(DeleteDraftView), name="delete"),
            path("copy/<int:pk>/", self.construct_view(CopyView), name="copy"),
            path("convert/<int:pk>/", self.construct_view(ConvertView), name="convert"),
        ]


class NewInvoiceMenuItem(MenuItem):
    def is_shown(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(WRITE))


@hooks.register(BILLING_MENU_HOOK)
def new_invoice_menu_item() -> MenuItem:
    return NewInvoiceMenuItem(
        gettext_lazy("New invoice"),
        reverse("billing-draft:add"),
        name="billing-new-invoice",
        icon_name="plus",
        order=290,
    )


@hooks.register("billing_document_actions")
def document_actions() -> list[Action]:
    view = "cms_billing_faktura.view_document"
    return [
        Action(gettext_lazy("Edit"), "billing-draft:edit", "edit", WRITE, when=is_draft),
        Action(pgettext_lazy("billing", "Issue now"), "billing-draft:issue", "check", ISSUE, when=is_draft),
        Action(gettext_lazy("Preview as PDF"), "billing-draft:preview", "view", view, when=is_draft),
        Action(gettext_lazy("Delete the draft"), "billing-draft:delete", "bin", WRITE, when=is_draft),
        Action(
            gettext_lazy("Make the invoice"),
            "billing-draft:convert",
            "doc-full-inverse",
            WRITE,
            when=lambda document: document.kind == DocumentKind.PRO_FORMA and not is_draft(document),
        ),
        Action(gettext_lazy("Copy as a new draft"), "billing-draft:copy", "copy", WRITE, when=is_copied),
    ]


@hooks.register("billing_customer_actions")
def customer_actions() -> list[Action]:
    return [Action(gettext_lazy("New invoice"), "billing-draft:add_for", "plus", WRITE)]


@hooks.register("billing_document_sections")
def draft_sections(request: HttpRequest, document: Document) -> Iterable[Section]:
    if not is_draft(document):
        return
    by_itself = (
        date_text(document.finalise_on) if document.finalise_on else _("never; somebody has to issue it")
    )
    facts = [
        Fact(_("Issued by itself on"), by_itself),
        Fact(_("Deposit"), _("yes") if document.is_deposit else ""),
    ]
    if run := document.invoice_run:
        facts.append(Fact(_("Invoice run"), run, url=run_url(document)))
    if origin := document.based_on:
        facts.append(Fact(_("Made from"), origin, url=reverse("billing-document:inspect", args=[origin.pk])))
    yield Facts(pgettext_lazy("billing", "Draft"), facts)
    for name, title in (("intro", _("Text above the lines")), ("closing", _("Text below the total"))):
        if document.extra.get(name):
            yield TextSection(title, document.extra[name])
