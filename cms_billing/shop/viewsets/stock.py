"""What corrections did to the stock: a list for all goods, a section on the pages of the documents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from oscar.core.loading import get_model
from wagtail.admin.filters import DateRangePickerWidget
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import (
    BillingFilterSet,
    DateColumn,
    Fact,
    InspectView,
    LinkColumn,
    ReadOnlyViewSet,
    Section,
    StateColumn,
    TableSection,
    date_text,
)
from cms_billing.core.ui.viewsets import BillingIndexView

from ..models import StockMovement

_GOOD = {StockMovement.Kind.RETURNED, StockMovement.Kind.RELEASED, StockMovement.Kind.UNTRACKED}
_RELATED = ["correction_line__document", "order_line__order", "product"]


def change_text(row: StockMovement) -> str:
    """``+1``; ``−1 reserved``: what the stock record went through."""
    parts = [signed(row.stock_change)] if row.stock_change else []
    if row.reserved_change:
        parts.append(_("%(change)s reserved") % {"change": signed(row.reserved_change)})
    return ", ".join(parts) or "–"


def signed(number: int) -> str:
    return f"+{number}" if number > 0 else f"−{-number}"


def after_text(row: StockMovement) -> str:
    if row.stock_after is None:
        return ""
    if not row.reserved_after:
        return str(row.stock_after)
    return _("%(stock)d, %(reserved)d of them reserved") % {
        "stock": row.stock_after,
        "reserved": row.reserved_after,
    }


def own_url(row: StockMovement) -> str:
    return reverse("billing-stockmovement:inspect", args=[row.pk])


def document_url(row: StockMovement) -> str:
    return reverse("billing-document:inspect", args=[row.correction_line.document_id])


def order_url(row: StockMovement) -> str | None:
    """The order in Oscar's dashboard, where the site has one."""
    if row.order_line is None:
        return None
    try:
        return reverse("dashboard:order-detail", args=[row.order_line.order.number])
    except NoReverseMatch:
        return None


def order_number(row: StockMovement) -> str:
    return row.order_line.order.number if row.order_line else ""


def why_not(row: StockMovement) -> str:
    return str(row.get_reason_display() or "")


def _columns() -> list[Any]:
    return [
        Column("quantity", label=pgettext_lazy("goods", "Quantity")),
        StateColumn(
            "kind",
            label=gettext_lazy("What happened"),
            accessor="get_kind_display",
            good=lambda row: row.kind in _GOOD,
        ),
        Column("change", label=pgettext_lazy("goods", "Change"), accessor=change_text),
        Column("after", label=gettext_lazy("In stock afterwards"), accessor=after_text),
    ]


def _day_column(**kwargs: Any) -> Any:
    return DateColumn("day", label=gettext_lazy("Date"), **kwargs)


def _document_column() -> Any:
    return LinkColumn(
        "document",
        label=pgettext_lazy("billing", "Document"),
        accessor=lambda row: row.correction_line.document.number,
        get_url=document_url,
    )


def _order_column() -> Any:
    return LinkColumn("order", label=gettext_lazy("Order"), accessor=order_number, get_url=order_url)


def products_with_history(request: HttpRequest) -> QuerySet[Any]:
    moved = StockMovement.objects.visible_to(request.user).values("product")
    return get_model("catalogue", "Product").objects.filter(pk__in=moved).order_by("title", "pk")


class StockMovementFilterSet(BillingFilterSet):
    product = django_filters.ModelChoiceFilter(label=gettext_lazy("Product"), queryset=products_with_history)
    kind = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("What happened"),
        choices=StockMovement.Kind.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    day = django_filters.DateFromToRangeFilter(label=gettext_lazy("Date"), widget=DateRangePickerWidget)

    class Meta:
        model = StockMovement
        fields = ["kind"]


class StockMovementIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related(*_RELATED)


class StockMovementInspectView(InspectView):
    extension = "billing_stock_movement"

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related(*_RELATED, "issuer")

    def facts(self) -> Iterable[Fact]:
        row = self.object
        tone = "good" if row.kind in _GOOD else "warning"
        yield Fact(_("Product"), row.title, url=product_url(row.product))
        yield Fact(pgettext("article", "SKU"), row.sku)
        yield Fact(_("Partner"), row.partner_name)
        yield Fact(pgettext("goods", "Quantity"), row.quantity)
        yield Fact(_("What happened"), row.get_kind_display(), tone=tone)
        yield Fact(_("Reason"), why_not(row), tone="warning")
        yield Fact(pgettext("goods", "Change"), change_text(row))
        yield Fact(_("In stock afterwards"), after_text(row))
        yield Fact(_("Date"), date_text(row.day))
        document = row.correction_line.document
        yield Fact(pgettext("billing", "Document"), document, url=document_url(row))
        yield Fact(_("Order"), order_number(row), url=order_url(row))
        yield Fact(_("Issuer"), row.issuer)
        yield Fact(_("Recorded"), recorded_text(row))


def recorded_text(row: StockMovement) -> str:
    moment = date_text(row.recorded_at)
    return (
        _("%(moment)s by %(name)s") % {"moment": moment, "name": row.recorded_by}
        if row.recorded_by
        else moment
    )


def product_url(product: Any) -> str | None:
    try:
        return reverse("dashboard:catalogue-product", args=[product.pk]) if product else None
    except NoReverseMatch:
        return None


class StockMovementViewSet(ReadOnlyViewSet):
    model = StockMovement
    icon = "history"
    menu_order = 620
    list_display = [
        LinkColumn("title", label=gettext_lazy("Product"), sort_key="title", get_url=own_url),
        *_columns(),
        _day_column(sort_key="day"),
        _document_column(),
        _order_column(),
    ]
    ordering = ("-day", "-id")
    search_fields = [
        "title",
        "sku",
        "correction_line__document__number",
        "order_line__order__number",
    ]
    filterset_class = StockMovementFilterSet
    index_view_class = StockMovementIndexView
    inspect_view_class = StockMovementInspectView


def movements_of_document(request: HttpRequest, document: Any) -> Iterable[Section]:
    """On a correction: what became of its goods. On an invoice: what has come back of it so far."""
    if not request.user.has_perm("cms_billing_shop.view_stockmovement"):
        return
    rows = StockMovement.objects.filter(
        Q(correction_line__document=document) | Q(correction_line__document__corrects=document)
    )
    rows = rows.select_related(*_RELATED).order_by("pk")
    if not rows:
        return
    has_reasons = any(row.reason for row in rows)
    is_invoice = any(row.correction_line.document_id != document.pk for row in rows)
    yield TableSection(
        _("Goods taken back"),
        [
            Column("title", label=_("Product"), accessor=_product_cell),
            *_columns(),
            *([Column("reason", label=_("Reason"), accessor=why_not)] if has_reasons else []),
            _day_column(),
            *([_document_column()] if is_invoice else []),
        ],
        rows,
        note=_("What became of the goods in the shop's stock."),
    )


def _product_cell(row: StockMovement) -> str:
    return format_html("{} <small>{}</small>", row.title, row.sku) if row.sku else row.title
