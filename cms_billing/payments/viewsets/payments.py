"""Payments: the list, the page, and their part of the pages of customers and documents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from wagtail.admin.filters import DateRangePickerWidget
from wagtail.admin.ui.tables import Column

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
)
from cms_billing.core.ui.viewsets import BillingIndexView
from cms_billing.faktura.models import Customer, Document
from cms_billing.faktura.viewsets.document_filters import AmountRangeWidget, between

from ..events import next_charge_text
from ..models import Payment
from ..refusals import refusal_of
from .actions import (
    ChargeBackView,
    NeverChargedView,
    RecordPaymentForDocumentView,
    RecordPaymentView,
    customer_url,
    document_url,
    was_given_up,
)
from .methods import SyncMethodsView


class PaymentFilterSet(BillingFilterSet):
    state = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("State"), choices=Payment.State.choices, widget=forms.CheckboxSelectMultiple
    )
    way = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Way of payment"), choices=Payment.Way.choices, widget=forms.CheckboxSelectMultiple
    )
    received_on = django_filters.DateFromToRangeFilter(
        label=gettext_lazy("Received"), widget=DateRangePickerWidget
    )
    amount = django_filters.RangeFilter(
        label=gettext_lazy("Amount"), method="filter_amount", widget=AmountRangeWidget
    )
    customer = django_filters.CharFilter(
        label=gettext_lazy("Customer number"), field_name="customer__number", lookup_expr="iexact"
    )

    class Meta:
        model = Payment
        fields = ["state", "way"]

    def filter_amount(self, payments: QuerySet[Any], name: str, value: slice) -> QuerySet[Any]:
        return between(payments, "amount_minor", value)


class PaymentIndexView(BillingIndexView):
    def search_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = super().search_queryset(queryset)
        # A payment of several documents matches once for each of them.
        return found.distinct() if self.is_searching else found

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer", "issuer")


class PaymentInspectView(InspectView):
    extension = "billing_payment"
    actions = [
        Action(
            gettext_lazy("Enter a chargeback"),
            "billing-payment:charge_back",
            "resubmit",
            "cms_billing_payments.charge_back_payment",
            when=lambda payment: payment.state == Payment.State.SETTLED,
        ),
        Action(
            gettext_lazy("Enter that it was never charged"),
            "billing-payment:never_charged",
            "cross",
            "cms_billing_payments.record_payment",
            when=was_given_up,
        ),
    ]

    def rows(self) -> QuerySet[Any]:
        return (
            super()
            .rows()
            .select_related(
                "customer", "issuer", "document__open_item", "document__charge_plan", "method", "account"
            )
        )

    def facts(self) -> Iterable[Fact]:
        payment = self.object
        tones = {
            Payment.State.SETTLED: "good",
            Payment.State.FAILED: "critical",
            Payment.State.CHARGED_BACK: "critical",
        }
        yield Fact(_("Amount"), money_text(payment.amount))
        yield Fact(_("State"), payment.get_state_display(), tone=tones.get(payment.state, ""))
        yield Fact(_("Customer"), payment.customer, url=customer_url(payment))
        yield Fact(_("Way of payment"), payment.get_way_display())
        yield Fact(_("Received on"), date_text(payment.received_on))
        if payment.chargeback_fee_minor:
            yield Fact(_("Fee for the chargeback"), money_text(payment.chargeback_fee))
        if payment.refunded_elsewhere_minor:
            yield Fact(
                _("Paid back at the provider, to be entered"),
                money_text(payment.refunded_elsewhere),
                tone="critical",
            )
        yield Fact(_("Provider"), payment.provider)
        yield Fact(_("Provider's reference"), payment.reference)
        yield Fact(_("Asked for"), payment.document, url=document_url(payment.document))
        yield Fact(_("Reason"), payment.reason)
        yield from self._refusal()
        yield Fact(_("Note"), payment.note)
        yield Fact(_("Issuer"), payment.issuer)
        yield Fact(_("Entered"), date_text(payment.created_at))
        if payment.work_state in (payment.WorkState.FAILED, payment.WorkState.PENDING):
            yield Fact(_("Last error"), payment.last_error, tone="critical")

    def _refusal(self) -> Iterable[Fact]:
        payment = self.object
        if payment.state not in (Payment.State.FAILED, Payment.State.CHARGED_BACK):
            return
        if payment.refusal_code:
            refusal = refusal_of(payment.provider, payment.refusal_code, payment.refusal_advice)
            yield Fact(_("Refused because"), refusal.editor_text, tone="critical")
        plan = getattr(payment.document, "charge_plan", None)
        item = getattr(payment.document, "open_item", None)
        if plan is not None and item is not None and item.open_minor > 0:
            yield Fact(_("Automatic charges"), next_charge_text(plan))

    def own_sections(self) -> Iterable[Section]:
        yield TableSection(
            _("Settles"),
            [
                LinkColumn(
                    "document",
                    label=pgettext("billing", "Document"),
                    accessor=lambda part: str(part.document or _("on account")),
                    get_url=lambda part: document_url(part.document),
                ),
                DateColumn("booked", label=_("Date"), accessor="ledger_entry.booked_on"),
                MoneyColumn("amount", label=_("Amount")),
            ],
            self.object.allocations.select_related("document", "ledger_entry", "payment"),
            empty=_("Nothing yet."),
        )


class PaymentViewSet(ReadOnlyViewSet):
    model = Payment
    icon = "resubmit"
    menu_order = 400
    list_display = [
        "__str__",
        LinkColumn(
            "customer",
            label=gettext_lazy("Customer"),
            accessor=lambda row: str(row.customer),
            get_url=customer_url,
        ),
        DateColumn("received_on", label=gettext_lazy("Received"), sort_key="received_on"),
        StateColumn(
            "state",
            label=gettext_lazy("State"),
            accessor="get_state_display",
            good=lambda payment: payment.state == Payment.State.SETTLED,
            sort_key="state",
        ),
        Column("reason", label=gettext_lazy("Reason")),
        MoneyColumn("amount", label=gettext_lazy("Amount"), sort_key="amount_minor"),
    ]
    ordering = "-id"
    search_fields = [
        "customer__number",
        "customer__company",
        "customer__last_name",
        "reference",
        "note",
        "allocations__document__number",
    ]
    filterset_class = PaymentFilterSet
    index_view_class = PaymentIndexView
    inspect_view_class = PaymentInspectView

    def get_urlpatterns(self) -> list[Any]:
        # The two forms stand on the pages of customers and documents and lead back there.
        customer = {
            "index_url_name": "billing-customer:index",
            "inspect_url_name": "billing-customer:inspect",
        }
        document = {
            "index_url_name": "billing-document:index",
            "inspect_url_name": "billing-document:inspect",
        }
        record = RecordPaymentView.as_view(**customer)
        record_for = RecordPaymentForDocumentView.as_view(**document)
        return [
            *super().get_urlpatterns(),
            path("record/<int:pk>/", record, name="record"),
            path("record-for/<int:pk>/", record_for, name="record_for_document"),
            path("sync-methods/<int:pk>/", SyncMethodsView.as_view(**customer), name="sync_methods"),
            path("charge-back/<int:pk>/", self.construct_view(ChargeBackView), name="charge_back"),
            path("never-charged/<int:pk>/", self.construct_view(NeverChargedView), name="never_charged"),
        ]


def customer_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Record payment"),
            "billing-payment:record",
            "plus",
            "cms_billing_payments.record_payment",
            priority=-10,
        )
    ]


def document_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Record payment"),
            "billing-payment:record_for_document",
            "plus",
            "cms_billing_payments.record_payment",
            priority=-10,
            when=lambda document: (
                getattr(document, "open_item", None) is not None and document.open_item.open_minor > 0
            ),
        )
    ]


def payments_of_customer(request: Any, customer: Customer) -> Iterable[Section]:
    if request.user.has_perm("cms_billing_payments.view_payment"):
        url = f"{reverse('billing-payment:index')}?customer={customer.number}"
        yield _payments(_("Latest payments"), customer.payments.all()[:10], url=url)


def payments_of_document(request: Any, document: Document) -> Iterable[Section]:
    payments = Payment.objects.filter(allocations__document=document).distinct()
    if request.user.has_perm("cms_billing_payments.view_payment") and (
        payments := payments | Payment.objects.filter(document=document).distinct()
    ):
        yield _payments(_("Payments"), payments)


def _payments(title: str, payments: Iterable[Payment], **kwargs: Any) -> Section:
    return TableSection(
        title,
        [
            LinkColumn(
                "payment",
                label=_("Payment"),
                accessor="get_way_display",
                get_url=lambda row: reverse("billing-payment:inspect", args=[row.pk]),
            ),
            DateColumn("received_on", label=_("Received")),
            StateColumn(
                "state",
                label=_("State"),
                accessor="get_state_display",
                good=lambda row: row.state == Payment.State.SETTLED,
            ),
            Column("reason", label=_("Reason")),
            MoneyColumn("amount", label=_("Amount")),
        ],
        payments,
        **kwargs,
    )
