"""The list of documents: found, added up, exported, and worked on many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Count, F, FilteredRelation, Q, QuerySet, Sum
from django.urls import path, reverse
from django.utils.formats import number_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import (
    BillingIndexView,
    DateColumn,
    Fact,
    MoneyColumn,
    ReadOnlyViewSet,
    StateColumn,
    Summary,
    WhatNext,
    money_text,
)
from cms_billing.core.money import Money

from ..models import Document, DocumentKind, Issuer, OpenItem
from ..search import find_documents
from ..selectors import Standing, with_standing
from .corrections import CancelView
from .document_actions import pdf_view
from .document_bulk import BULK_ACTIONS
from .document_filters import DocumentFilterSet
from .document_page import DocumentInspectView, standing_of, state_text
from .document_preview import page_view
from .sending import SendAgainView

# Kinds whose totals are turnover. Pro formas ask without billing, letters and statements name what others bill.
TURNOVER = {DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE, DocumentKind.CANCELLATION}
_NEWEST_FIRST = (F("issued_on").desc(nulls_first=True), F("pk").desc())


def visible_documents(user: Any) -> QuerySet[Any]:
    """``visible_to`` with the issuers looked up before, so that the database can read the list in its order."""
    if user.is_active and user.is_superuser:
        return Document.objects.all()
    return Document.objects.filter(issuer_id__in=issuers_of(user))


def issuers_of(user: Any) -> list[int]:
    """Keys of the issuers a user sees, looked up once a request."""
    if not hasattr(user, "_billing_issuers"):
        user._billing_issuers = list(
            Issuer.objects.visible_to(user).order_by("pk").values_list("pk", flat=True)
        )
    return user._billing_issuers


class DocumentIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        documents = with_standing(visible_documents(self.request.user))
        return documents.select_related("issuer", "customer", "open_item")

    def order_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Drafts come first: they wait for somebody. Where there is always a total, its index has the order."""
        if self.ordering in ("gross_minor", "-gross_minor"):
            return queryset.order_by(self.ordering, "-pk" if self.ordering.startswith("-") else "pk")
        if isinstance(self.ordering, str) and self.ordering:
            column = F(self.ordering.lstrip("-"))
            if self.ordering.startswith("-"):
                return queryset.order_by(column.desc(nulls_last=True), F("pk").desc())
            return queryset.order_by(column.asc(nulls_last=True), F("pk").asc())
        return queryset.order_by(*_NEWEST_FIRST)

    def search_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return find_documents(queryset, self.search_query) if self.search_query.strip() else queryset

    def summary(self, queryset: QuerySet[Any]) -> Summary:
        """Turnover and open amounts per currency; drafts, pro formas and receipts where the list has nothing else.

        One query for what the filters leave, two for the whole list: there each is answered by an index.
        """
        is_whole = not (self.is_searching or self.is_filtering)
        if is_whole:
            groups, owed = list(_grouped(queryset)), sums_owed(self.request.user)
        else:
            groups, owed = _groups_and_owed(queryset)
        count = sum(group["count"] for group in groups)
        facts = list(_facts(groups, owed))
        if is_whole:
            facts.insert(0, Fact(pgettext("billing", "Documents"), number_format(count, force_grouping=True)))
        return Summary(count, facts)

    def what_next(self) -> WhatNext:
        if self.request.user.has_perm("cms_billing_memberships.view_contract"):
            return WhatNext(
                _("They are issued by the daily run when something becomes due."),
                reverse("billing_todo"),
                _("See what is due"),
            )
        return WhatNext(_("They are issued by the daily run when something becomes due."))

    export_filename = "documents"
    export_columns = {
        "number": (pgettext_lazy("billing", "Number"), lambda d: d.number),
        "kind": (gettext_lazy("Kind"), lambda d: capfirst(d.get_kind_display())),
        "state": (gettext_lazy("State"), state_text),
        "date": (gettext_lazy("Date"), lambda d: d.issued_on),
        "due": (
            gettext_lazy("Due on"),
            lambda d: d.open_item.due_on if hasattr(d, "open_item") else d.due_on,
        ),
        "issuer": (gettext_lazy("Issuer"), lambda d: d.issuer),
        "customer_number": (gettext_lazy("Customer number"), lambda d: d.customer.number),
        "customer": (gettext_lazy("Customer"), lambda d: d.recipient_name or d.customer.name),
        "country": (gettext_lazy("Country"), lambda d: d.recipient_country),
        "vat_id": (gettext_lazy("VAT id"), lambda d: d.recipient_vat_id),
        "period_start": (gettext_lazy("Service period from"), lambda d: d.service_start),
        "period_end": (gettext_lazy("Service period to"), lambda d: d.service_end),
        "currency": (gettext_lazy("Currency"), lambda d: d.currency),
        "net": (gettext_lazy("Net"), lambda d: d.net),
        "tax": (gettext_lazy("Tax"), lambda d: d.tax),
        "total": (gettext_lazy("Total"), lambda d: d.total),
        "open": (
            gettext_lazy("Open"),
            lambda d: d.open_item.open_amount if hasattr(d, "open_item") else None,
        ),
    }


def _grouped(queryset: QuerySet[Any]) -> QuerySet[Any]:
    """In the order of the index ``document_sums``, which answers for the whole list without reading a document."""
    groups = queryset.order_by().values("issuer", "currency", "kind", "state")
    return groups.annotate(count=Count("*"), total=Sum("gross_minor"))


def sums_owed(user: Any) -> dict[str, int]:
    """Open amounts of all documents a user sees, per currency; the paid ones, most of all, are not looked at."""
    items = OpenItem.objects.exclude(open_minor=0)
    if not (user.is_active and user.is_superuser):
        items = items.filter(issuer_id__in=issuers_of(user))
    sums = items.order_by().values_list("currency").annotate(s=Sum("open_minor"))
    return {currency: int(amount) for currency, amount in sums}


def _groups_and_owed(queryset: QuerySet[Any]) -> tuple[list[dict[str, Any]], dict[str, int]]:
    relation = "open_item"
    if not _joins_open_items(queryset):
        # Most documents are paid: leave them out of the join.
        relation, not_zero = "owed", Q(open_item__open_minor__gt=0) | Q(open_item__open_minor__lt=0)
        queryset = queryset.annotate(owed=FilteredRelation("open_item", condition=not_zero))
    groups = list(_grouped(queryset).annotate(open=Sum(f"{relation}__open_minor")))
    owed: dict[str, int] = defaultdict(int)
    for group in groups:
        owed[group["currency"]] += int(group["open"] or 0)
    return groups, owed


def _joins_open_items(queryset: QuerySet[Any]) -> bool:
    """Whether a filter looks at them already: then the sum takes the same join."""
    tables = {join.table_name for join in queryset.order_by().query.alias_map.values()}
    return OpenItem._meta.db_table in tables


def _facts(groups: list[dict[str, Any]], owed: Mapping[str, int]) -> Iterator[Fact]:
    billed = [g for g in groups if g["kind"] in TURNOVER and g["state"] == Document.State.ISSUED]
    for currency in sorted({g["currency"] for g in groups}):
        own = [g for g in billed or groups if g["currency"] == currency]
        if own:
            total = Money(int(sum(g["total"] or 0 for g in own)), currency)
            yield Fact(_("Total"), money_text(total))
        if minor := owed.get(currency, 0):
            yield Fact(
                _("Open"), money_text(Money(minor, currency)), tone="critical" if minor > 0 else "good"
            )


class DocumentViewSet(ReadOnlyViewSet):
    model = Document
    icon = "doc-full-inverse"
    menu_order = 300
    list_display = [
        "__str__",
        Column("recipient_name", label=gettext_lazy("Customer"), sort_key="recipient_name"),
        DateColumn("issued_on", label=gettext_lazy("Date"), sort_key="issued_on"),
        DateColumn(
            "due_on", label=gettext_lazy("Due on"), accessor="open_item.due_on", sort_key="open_item__due_on"
        ),
        StateColumn(
            "standing",
            label=gettext_lazy("State"),
            accessor=state_text,
            good=lambda document: standing_of(document) is Standing.PAID,
        ),
        MoneyColumn("gross", label=gettext_lazy("Total"), sort_key="gross_minor", accessor="total"),
        MoneyColumn(
            "open",
            label=gettext_lazy("Open"),
            accessor="open_item.open_amount",
            sort_key="open_item__open_minor",
        ),
    ]
    search_fields = ["number", "recipient_name", "recipient_email", "customer__number"]
    filterset_class = DocumentFilterSet
    index_view_class = DocumentIndexView
    inspect_view_class = DocumentInspectView
    bulk_actions = BULK_ACTIONS

    def get_urlpatterns(self) -> list[Any]:
        return [
            *super().get_urlpatterns(),
            path("pdf/<int:pk>/", pdf_view, name="pdf"),
            path("page/<int:pk>/<int:page>/", page_view, name="page"),
            path("cancel/<int:pk>/", self.construct_view(CancelView), name="cancel"),
            path("send-again/<int:pk>/", self.construct_view(SendAgainView), name="send_again"),
        ]
