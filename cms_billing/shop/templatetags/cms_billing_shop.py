"""``{% load cms_billing_shop %}``: what billing knows of an order, for Oscar's pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from cms_billing.core import clock
from cms_billing.core.models import OutsideWork
from cms_billing.faktura.models import DocumentKind
from cms_billing.faktura.selectors import AccountDocument, Standing, account_documents
from cms_billing.payments.links import payment_url
from cms_billing.payments.models import Payment
from cms_billing.shop.checkout.attempts import is_given_up
from cms_billing.shop.checkout.owners import owned_attempts
from cms_billing.shop.links import give_up_path, result_path
from cms_billing.shop.models import CheckoutAttempt, OrderBilling
from cms_billing.shop.selectors import contracts_of_order, documents_of_order, stock_history
from cms_billing.shop.viewsets.stock import after_text, change_text

register = template.Library()


UNDER_WAY = (Payment.State.CREATED, Payment.State.PENDING)
_PAYMENT_TEXTS = {
    Payment.State.SETTLED: gettext_lazy("Your payment has arrived. Thank you."),
    Payment.State.FAILED: gettext_lazy("Your payment has failed. Please pay the invoice in another way."),
    Payment.State.CHARGED_BACK: gettext_lazy(
        "Your payment went back. Please pay the invoice in another way."
    ),
}


@dataclass(frozen=True)
class OrderBilled:
    rows: list[AccountDocument]
    contracts: list[Any]
    work: OrderBilling | None
    payment: Payment | None = None

    @property
    def is_under_way(self) -> bool:
        return self.payment is not None and self.payment.state in UNDER_WAY

    @property
    def payment_text(self) -> str:
        """What is known of the payment the order was placed with; empty for those paid by invoice."""
        if self.payment is None:
            return ""
        if self.is_under_way:
            return gettext(
                "Your payment is under way: your bank may need some days for it. There is nothing left to do."
            )
        return str(_PAYMENT_TEXTS.get(Payment.State(self.payment.state), ""))

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
        payment=Payment.objects.filter(session__checkout_attempt__order=order).first(),
    )


@dataclass(frozen=True)
class OpenPayment:
    """A page that a visitor has not finished; ``url`` is empty where nothing can be paid on it any more."""

    amount: Any
    titles: list[str]
    url: str
    is_paid: bool
    result_url: str
    give_up_url: str


@register.simple_tag(takes_context=True)
def open_payments(context: Any) -> list[OpenPayment]:
    """Payments of this visitor for baskets that are frozen, for the basket's page."""
    return [_open_payment(attempt) for attempt in owned_attempts(context["request"])[:3]]


def _open_payment(attempt: CheckoutAttempt) -> OpenPayment:
    session = attempt.session
    return OpenPayment(
        amount=session.amount,
        titles=[f"{row['quantity']} × {row['title']}" for row in attempt.lines],
        url=session.url,
        is_paid=session.state == session.State.COMPLETED and not is_given_up(session),
        result_url=result_path(session.pk),
        give_up_url=give_up_path(session.pk),
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


_TYPES = {
    "Authorise": pgettext_lazy("payment", "asked for"),
    "Debit": gettext_lazy("received"),
    "Chargeback": gettext_lazy("charged back"),
    "Refund": gettext_lazy("paid back"),
}


@register.filter
def transaction_type(transaction: Any) -> str:
    """What an Oscar transaction is; types of the shop's own as they are."""
    return str(_TYPES.get(transaction.txn_type, transaction.txn_type))


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
