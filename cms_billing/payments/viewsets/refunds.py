"""Refunds: the list, the page, the transfers to make, and their part of other pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from wagtail.admin.filters import DateRangePickerWidget
from wagtail.admin.ui.tables import Column
from wagtail.admin.widgets.button import HeaderButton

from cms_billing.core.admin import (
    Action,
    BillingFilterSet,
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
from cms_billing.core.templatetags.cms_billing import iban
from cms_billing.core.ui.viewsets import BillingIndexView
from cms_billing.faktura.models import Customer, Document
from cms_billing.faktura.viewsets.document_filters import AmountRangeWidget, between

from ..models import Payment, Refund
from ..selectors import refundable
from ..services import may_be_withdrawn
from .actions import customer_url, document_url
from .refund_actions import (
    CORRECTIONS,
    REFUND,
    CameBackView,
    EnterElsewhereView,
    MarkTransferredView,
    PayBackForDocumentView,
    PayBackView,
    WithdrawRefundView,
)
from .transfers import TransfersView

VIEW = "cms_billing_payments.view_refund"
_TONES = {Refund.State.PAID: "good", Refund.State.FAILED: "critical"}


def refund_url(row: Refund) -> str:
    return reverse("billing-refund:inspect", args=[row.pk])


def is_transfer_to_make(refund: Refund) -> bool:
    return refund.state == Refund.State.PENDING and refund.way == Refund.Way.TRANSFER


class RefundFilterSet(BillingFilterSet):
    state = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("State"), choices=Refund.State.choices, widget=forms.CheckboxSelectMultiple
    )
    way = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Way"), choices=Refund.Way.choices, widget=forms.CheckboxSelectMultiple
    )
    paid_on = django_filters.DateFromToRangeFilter(
        label=gettext_lazy("Paid back"), widget=DateRangePickerWidget
    )
    amount = django_filters.RangeFilter(
        label=gettext_lazy("Amount"), method="filter_amount", widget=AmountRangeWidget
    )
    customer = django_filters.CharFilter(
        label=gettext_lazy("Customer number"), field_name="customer__number", lookup_expr="iexact"
    )

    class Meta:
        model = Refund
        fields = ["state", "way"]

    def filter_amount(self, refunds: QuerySet[Any], name: str, value: slice) -> QuerySet[Any]:
        return between(refunds, "amount_minor", value)


class RefundIndexView(BillingIndexView):
    @cached_property
    def header_buttons(self) -> list[Any]:
        if not self.request.user.has_perm(REFUND):
            return []
        url = reverse("billing-refund:transfers")
        return [HeaderButton(_("Transfers to make"), url=url, icon_name="list-ul")]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer", "issuer", "receipt")


class RefundInspectView(InspectView):
    extension = "billing_refund"
    actions = [
        Action(
            gettext_lazy("Mark as transferred"),
            "billing-refund:mark_transferred",
            "check",
            REFUND,
            when=is_transfer_to_make,
        ),
        Action(
            gettext_lazy("Pay back another way"),
            "billing-refund:again",
            "resubmit",
            REFUND,
            when=lambda refund: refund.state == Refund.State.FAILED,
        ),
        Action(gettext_lazy("Withdraw"), "billing-refund:withdraw", "cross", REFUND, when=may_be_withdrawn),
        Action(
            gettext_lazy("The transfer came back"),
            "billing-refund:came_back",
            "resubmit",
            REFUND,
            when=lambda refund: refund.state == Refund.State.PAID and refund.way == Refund.Way.TRANSFER,
        ),
    ]

    def rows(self) -> QuerySet[Any]:
        return (
            super()
            .rows()
            .select_related("customer", "issuer", "document", "receipt", "payment__method", "created_by")
        )

    def facts(self) -> Iterable[Fact]:
        refund = self.object
        yield Fact(_("Amount"), money_text(refund.amount))
        yield Fact(_("State"), refund.state_text, tone=_TONES.get(refund.state, ""))
        yield Fact(_("Customer"), refund.customer, url=customer_url(refund))
        yield Fact(_("Way"), refund.get_way_display())
        yield Fact(_("Why it failed"), refund.failure, tone="critical")
        yield Fact(_("Paid back on"), date_text(refund.paid_on))
        yield Fact(_("Receipt"), refund.receipt, url=document_url(refund.receipt))
        yield Fact(_("Because of"), refund.document, url=document_url(refund.document))
        if refund.payment:
            yield Fact(
                _("Payment"), refund.payment, url=reverse("billing-payment:inspect", args=[refund.payment.pk])
            )
        yield Fact(_("Account holder"), refund.account_holder)
        yield Fact(_("IBAN"), iban(refund.iban))
        yield Fact(_("Provider's reference"), refund.reference)
        yield Fact(_("Reason"), refund.reason)
        yield Fact(_("Issuer"), refund.issuer)
        yield Fact(_("Entered"), date_text(refund.created_at))
        yield Fact(_("Entered by"), refund.created_by)
        if refund.work_state in (refund.WorkState.FAILED, refund.WorkState.PENDING):
            yield Fact(_("Last error"), refund.last_error, tone="critical")


class RefundViewSet(ReadOnlyViewSet):
    model = Refund
    icon = "resubmit"
    menu_order = 410
    list_display = [
        "__str__",
        LinkColumn(
            "customer",
            label=gettext_lazy("Customer"),
            accessor=lambda row: str(row.customer),
            get_url=customer_url,
        ),
        DateColumn("created_at", label=gettext_lazy("Entered"), sort_key="created_at"),
        DateColumn("paid_on", label=gettext_lazy("Paid back"), sort_key="paid_on"),
        StateColumn(
            "state",
            label=gettext_lazy("State"),
            accessor="state_text",
            good=lambda refund: refund.state == Refund.State.PAID,
            sort_key="state",
        ),
        LinkColumn(
            "receipt",
            label=gettext_lazy("Receipt"),
            accessor=lambda row: row.receipt.number if row.receipt else "",
            get_url=lambda row: document_url(row.receipt),
        ),
        MoneyColumn("amount", label=gettext_lazy("Amount"), sort_key="amount_minor"),
    ]
    ordering = "-id"
    search_fields = [
        "customer__number",
        "customer__company",
        "customer__last_name",
        "reference",
        "reason",
        "receipt__number",
        "document__number",
    ]
    filterset_class = RefundFilterSet
    index_view_class = RefundIndexView
    inspect_view_class = RefundInspectView

    def get_urlpatterns(self) -> list[Any]:
        return [
            *super().get_urlpatterns(),
            path("pay-back/<int:pk>/", PayBackView.as_view(**_at("customer")), name="pay_back"),
            path(
                "pay-back-for/<int:pk>/",
                PayBackForDocumentView.as_view(**_at("document")),
                name="pay_back_for_document",
            ),
            path("elsewhere/<int:pk>/", EnterElsewhereView.as_view(**_at("payment")), name="enter_elsewhere"),
            path("again/<int:pk>/", pay_back_again, name="again"),
            path(
                "mark-transferred/<int:pk>/",
                self.construct_view(MarkTransferredView),
                name="mark_transferred",
            ),
            path("withdraw/<int:pk>/", self.construct_view(WithdrawRefundView), name="withdraw"),
            path("came-back/<int:pk>/", self.construct_view(CameBackView), name="came_back"),
            path("transfers/", TransfersView.as_view(), name="transfers"),
        ]


def _at(what: str) -> dict[str, str]:
    """The forms stand on the pages of customers, documents and payments and lead back there."""
    return {"index_url_name": f"billing-{what}:index", "inspect_url_name": f"billing-{what}:inspect"}


def pay_back_again(request: HttpRequest, pk: int) -> HttpResponse:
    """From a failed refund to the form that makes another instead of it."""
    if not request.user.has_perm(REFUND):
        raise PermissionDenied
    refund = get_object_or_404(rows_visible_to(Refund, request.user), pk=pk)
    return redirect(f"{reverse('billing-refund:pay_back', args=[refund.customer_id])}?instead_of={refund.pk}")


def has_credit(customer: Customer) -> bool:
    on_account = customer.ledger_entries.filter(document=None).order_by()
    codes = on_account.values_list("currency", flat=True).distinct()
    return any(refundable(customer_id=customer.pk, currency=code).most > 0 for code in codes)


def customer_actions() -> list[Action]:
    return [Action(gettext_lazy("Pay back"), "billing-refund:pay_back", "resubmit", REFUND, when=has_credit)]


def document_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Pay back"),
            "billing-refund:pay_back_for_document",
            "resubmit",
            REFUND,
            when=lambda document: (
                document.kind in CORRECTIONS
                and document.state == Document.State.ISSUED
                and refundable(customer_id=document.customer_id, currency=document.currency).most > 0
            ),
        )
    ]


def payment_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Enter the provider's refund"),
            "billing-refund:enter_elsewhere",
            "resubmit",
            REFUND,
            when=lambda payment: payment.refunded_elsewhere_minor > 0,
        )
    ]


def refunds_of_customer(request: Any, customer: Customer) -> Iterable[Section]:
    if request.user.has_perm(VIEW) and (rows := list(customer.refunds.all()[:10])):
        url = f"{reverse('billing-refund:index')}?customer={customer.number}"
        yield refunds_section(_("Latest refunds"), rows, url=url)


def refunds_of_document(request: Any, document: Document) -> Iterable[Section]:
    if not request.user.has_perm(VIEW):
        return
    rows = Refund.objects.filter(document=document) | Refund.objects.filter(receipt=document)
    if found := list(rows):
        yield refunds_section(_("Refunds"), found)


def refunds_of_payment(request: Any, payment: Payment) -> Iterable[Section]:
    if request.user.has_perm(VIEW) and (rows := list(payment.refunds.all())):
        yield refunds_section(_("Refunds"), rows)


def refunds_section(title: str, refunds: Iterable[Refund], **kwargs: Any) -> TableSection:
    return TableSection(
        title,
        [
            LinkColumn("refund", label=_("Refund"), accessor="get_way_display", get_url=refund_url),
            DateColumn("created_at", label=_("Entered")),
            DateColumn("paid_on", label=_("Paid back")),
            StateColumn(
                "state",
                label=_("State"),
                accessor="state_text",
                good=lambda row: row.state == Refund.State.PAID,
            ),
            Column("reason", label=_("Reason"), accessor=lambda row: row.failure or row.reason),
            MoneyColumn("amount", label=_("Amount")),
        ],
        refunds,
        **kwargs,
    )


def refunds_to_do(user: Any, *, shown: int) -> TableSection:
    """For the to-do list: transfers to make, refunds that failed, and refunds the provider made without us."""
    waiting: list[Any] = []
    counts = 0
    for rows, what in waiting_of(user):
        counts += rows.count()
        waiting += [(row, what) for row in rows[: shown - len(waiting)]]
    more = counts - len(waiting)
    note = ngettext("%(n)s more.", "%(n)s more.", more) % {"n": more} if more else ""
    return TableSection(
        _("Money to pay back"),
        [
            LinkColumn(
                "what", label=_("What"), accessor=lambda row: str(row[1]), get_url=lambda row: _page(row[0])
            ),
            Column("customer", label=_("Customer"), accessor=lambda row: row[0].customer),
            Column("reason", label=_("Reason"), accessor=_reason),
            MoneyColumn("amount", label=_("Amount"), accessor=_amount),
        ],
        waiting,
        note=note,
        empty=_("No money waits to be paid back."),
        url=reverse("billing-refund:transfers"),
        url_label=_("All transfers to make"),
    )


def waiting_of(user: Any) -> list[tuple[QuerySet[Any], Any]]:
    refunds = Refund.objects.visible_to(user).select_related("customer").order_by("pk")
    elsewhere = Payment.objects.visible_to(user).filter(refunded_elsewhere_minor__gt=0)
    return [
        (refunds.failed(), gettext_lazy("Refund failed")),
        (
            elsewhere.select_related("customer").order_by("pk"),
            gettext_lazy("Refund made at the provider: enter it"),
        ),
        (refunds.to_transfer(), gettext_lazy("To be transferred")),
    ]


def _page(row: Any) -> str:
    if isinstance(row, Payment):
        return reverse("billing-payment:inspect", args=[row.pk])
    return refund_url(row)


def _reason(row: Any) -> str:
    return row[0].failure or row[0].reason if isinstance(row[0], Refund) else row[0].reference


def _amount(row: Any) -> Any:
    return row[0].refunded_elsewhere if isinstance(row[0], Payment) else row[0].amount


__all__ = [
    "RefundViewSet",
    "customer_actions",
    "document_actions",
    "payment_actions",
    "refunds_of_customer",
    "refunds_of_document",
    "refunds_of_payment",
    "refunds_to_do",
    "waiting_of",
]
