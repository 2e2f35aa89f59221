"""``{% load cms_billing_shop %}``: what billing knows of an order, for Oscar's pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse

from cms_billing.core import clock
from cms_billing.core.models import OutsideWork
from cms_billing.faktura.models import DocumentKind
from cms_billing.faktura.selectors import AccountDocument, Standing, account_documents
from cms_billing.payments.links import payment_url
from cms_billing.shop.models import OrderBilling
from cms_billing.shop.selectors import contracts_of_order, documents_of_order, stock_history
from cms_billing.shop.viewsets.stock import after_text, change_text

register = template.Library()


@dataclass(frozen=True)
class OrderBilled:
    rows: list[AccountDocument]
    contracts: list[Any]
    work: OrderBilling | None

    @property
    def is_pending(self) -> bool:
        return self.work is not None and (
            self.work.work_state != OutsideWork.WorkState.DONE or bool(self.work.problem)
        )


@register.simple_tag
def order_billing(order: Any) -> OrderBilled:
    return OrderBilled(
        rows=account_documents(documents_of_order(order), today=clock.today()),
        contracts=list(contracts_of_order(order)),
        work=OrderBilling.objects.filter(order=order).first(),
    )


@dataclass(frozen=True)
class StockHistory:
    """The newest movements of a product, and where the whole list is; empty for whom the admin would not let in."""

    rows: list[Any]
    has_more: bool
    url: str


@register.simple_tag(takes_context=True)
def product_stock_history(context: Any, product: Any, limit: int = 20) -> StockHistory:
    """For Oscar's dashboard. Staff see all of it; a partner's own people what was sold from their stock."""
    user = context["request"].user
    rows = stock_history(product)
    if not user.is_staff:
        rows = rows.filter(stock_record__partner__users=user)
    found = list(rows[: limit + 1])
    return StockHistory(found[:limit], len(found) > limit, _history_url(user, product))


def _history_url(user: Any, product: Any) -> str:
    if not user.has_perm("cms_billing_shop.view_stockmovement"):
        return ""
    try:
        return f"{reverse('billing-stockmovement:index')}?product={product.pk}"
    except NoReverseMatch:
        return ""


@register.filter
def stock_change(row: Any) -> str:
    return change_text(row)


@register.filter
def stock_after(row: Any) -> str:
    return after_text(row)


@register.filter
def payment_link(row: AccountDocument) -> str:
    return payment_url([row.document.pk])


@register.filter
def admin_link(row: AccountDocument) -> str:
    """The document's page in Wagtail's admin; empty where the site has none."""
    try:
        return reverse("billing-document:inspect", args=[row.document.pk])
    except NoReverseMatch:
        return ""


@register.simple_tag(takes_context=True)
def return_link(context: Any, row: AccountDocument) -> str:
    """Where units of an invoice are credited; empty for what cannot be, and for whom the admin would not let in."""
    document = row.document
    allowed = context["request"].user.has_perm("cms_billing_faktura.credit_document")
    if not allowed or document.kind != DocumentKind.INVOICE or row.standing is Standing.CANCELLED:
        return ""
    try:
        return reverse("billing-correction:credit", args=[document.pk])
    except NoReverseMatch:
        return ""
