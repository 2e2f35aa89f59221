"""Payments in Wagtail's admin: found, read, entered by hand and taken back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from wagtail.admin.filters import DateRangePickerWidget
from wagtail.admin.ui.tables import Column
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import (
    Action,
    ActionView,
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
from cms_billing.core.forms import MoneyField
from cms_billing.core.money import Money
from cms_billing.core.ui.viewsets import BillingIndexView
from cms_billing.faktura.models import Customer, Document, OpenItem
from cms_billing.faktura.viewsets.documents import AmountRangeWidget, between

from .models import Payment
from .services import charge_back, record_payment

BY_HAND = [way for way in Payment.Way if way != Payment.Way.PROVIDER]


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


def customer_url(row: Any) -> str:
    return reverse("billing-customer:inspect", args=[row.customer_id])


def document_url(document: Document | None) -> str | None:
    return reverse("billing-document:inspect", args=[document.pk]) if document else None


class PaymentInspectView(InspectView):
    extension = "billing_payment"
    actions = [
        Action(
            gettext_lazy("Enter a chargeback"),
            "billing-payment:charge_back",
            "undo",
            "cms_billing_payments.charge_back_payment",
            when=lambda payment: payment.state == Payment.State.SETTLED,
        )
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer", "issuer", "document", "method")

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
        yield Fact(_("Provider"), payment.provider)
        yield Fact(_("Provider's reference"), payment.reference)
        yield Fact(_("Asked for"), payment.document, url=document_url(payment.document))
        yield Fact(_("Reason"), payment.reason)
        yield Fact(_("Note"), payment.note)
        yield Fact(_("Issuer"), payment.issuer)
        yield Fact(_("Entered"), date_text(payment.created_at))
        if payment.work_state in (payment.WorkState.FAILED, payment.WorkState.PENDING):
            yield Fact(_("Last error"), payment.last_error, tone="critical")

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


class RecordPaymentForm(forms.Form):
    """``item`` is the open item the payment is entered for; None: the customer's oldest first."""

    amount = MoneyField(
        label=gettext_lazy("Amount"),
        minimum=1,
        help_text=gettext_lazy(
            "What was really paid: less leaves a rest open, more settles the next or stays on account."
        ),
    )
    received_on = forms.DateField(label=gettext_lazy("Received on"), widget=AdminDateInput)
    way = forms.ChoiceField(
        label=gettext_lazy("Way of payment"), choices=[(way.value, way.label) for way in BY_HAND]
    )
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        amount: Any = self.fields["amount"]
        amount.currency = currency
        amount.label = _("Amount in %(currency)s") % {"currency": currency}


class RecordPaymentView(ActionView):
    """For a customer: settles their oldest open items first (§ 366 (2) BGB)."""

    model: type[Any] = Customer
    permission = "cms_billing_payments.record_payment"
    page_title = gettext_lazy("Record payment")
    form_class = RecordPaymentForm
    template_name = "cms_billing/payments/admin/record_payment.html"

    def customer(self) -> Customer:
        return self.object

    def documents(self) -> list[Document]:
        return []

    def open_items(self) -> list[OpenItem]:
        items = OpenItem.objects.open().filter(customer=self.customer()).select_related("document")
        return list(items.order_by("due_on", "document_id"))

    def open_amount(self) -> Money:
        items = self.open_items()
        currency = items[0].currency if items else self.customer().issuer.currency
        return Money(sum(item.open_minor for item in items if item.currency == currency), currency)

    def today(self) -> date:
        return clock.today(self.customer().issuer)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "currency": self.open_amount().currency}

    def get_initial(self) -> dict[str, Any]:
        amount = self.open_amount()
        return {
            "amount": amount if amount.minor > 0 else None,
            "received_on": self.today(),
            "way": "transfer",
        }

    def perform(self, form: forms.Form) -> str:
        data = form.cleaned_data
        payment = record_payment(
            customer_id=self.customer().pk,
            amount=data["amount"],
            received_on=data["received_on"],
            way=data["way"],
            note=data["note"],
            documents=self.documents(),
            today=self.today(),
            user=self.request.user,
        )
        return _("%(amount)s from %(customer)s recorded: %(parts)s.") % {
            "amount": money_text(payment.amount),
            "customer": self.customer(),
            "parts": ", ".join(
                f"{part.document or _('on account')} {money_text(part.amount)}"
                for part in payment.allocations.select_related("document", "payment")
            ),
        }

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        items = TableSection(
            _("Open items of this customer"),
            [
                LinkColumn(
                    "document",
                    label=pgettext("billing", "Document"),
                    accessor=lambda item: str(item.document),
                    get_url=lambda item: document_url(item.document),
                ),
                DateColumn("due_on", label=_("Due on")),
                MoneyColumn("open_amount", label=_("Open")),
            ],
            self.open_items(),
            empty=_("Nothing is owed: the payment would stand on account."),
        )
        return {**super().get_context_data(**kwargs), "open_items": items}


class RecordPaymentForDocumentView(RecordPaymentView):
    """For a document: settles that first, whatever else is open."""

    model = Document

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer__issuer", "open_item")

    def customer(self) -> Customer:
        return self.object.customer

    def documents(self) -> list[Document]:
        return [self.object]

    def open_amount(self) -> Money:
        return self.object.open_item.open_amount

    def obstacle(self) -> str:
        item = getattr(self.object, "open_item", None)
        if item is None:
            return _("%(document)s asks for no money.") % {"document": self.object}
        if item.open_minor <= 0:
            return _("%(document)s is settled. Record a payment on account from the customer's page.") % {
                "document": self.object
            }
        return ""


class ChargeBackForm(forms.Form):
    day = forms.DateField(label=gettext_lazy("Came back on"), widget=AdminDateInput)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy("As the bank or provider gives it."),
    )

    def __init__(self, *args: Any, payment: Payment, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.payment, self.today = payment, today

    def clean_day(self) -> date:
        day = self.cleaned_data["day"]
        if day > self.today:
            raise forms.ValidationError(_("That day is still to come."))
        if self.payment.received_on and day < self.payment.received_on:
            raise forms.ValidationError(
                _("The payment was received on %(day)s: it cannot have come back before."),
                params={"day": date_text(self.payment.received_on)},
            )
        return day


class ChargeBackView(ActionView):
    model = Payment
    permission = "cms_billing_payments.charge_back_payment"
    page_title = gettext_lazy("Enter a chargeback")
    is_dangerous = True
    form_class = ChargeBackForm
    explanation = gettext_lazy(
        "The money went back. Every document this payment settled is owed again, and reminders go on."
    )

    def obstacle(self) -> str:
        if self.object.state != Payment.State.SETTLED:
            return _("%(payment)s is “%(state)s”: only a received payment can come back.") % {
                "payment": self.object,
                "state": self.object.get_state_display(),
            }
        return ""

    def get_form_kwargs(self) -> dict[str, Any]:
        today = clock.today(self.object.issuer)
        return {**super().get_form_kwargs(), "payment": self.object, "today": today}

    def get_initial(self) -> dict[str, Any]:
        return {"day": clock.today(self.object.issuer)}

    def perform(self, form: forms.Form) -> str:
        charge_back(
            payment_id=self.object.pk,
            day=form.cleaned_data["day"],
            reason=form.cleaned_data["reason"],
            user=self.request.user,
        )
        return _("%(payment)s went back; what it had settled is owed again.") % {"payment": self.object}


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
            path("charge-back/<int:pk>/", self.construct_view(ChargeBackView), name="charge_back"),
        ]


def customer_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Record payment"),
            "billing-payment:record",
            "plus",
            "cms_billing_payments.record_payment",
        )
    ]


def document_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Record payment"),
            "billing-payment:record_for_document",
            "plus",
            "cms_billing_payments.record_payment",
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
