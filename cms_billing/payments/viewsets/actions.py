"""Recording payments by hand, and taking them back."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import (
    ActionView,
    DateColumn,
    LinkColumn,
    MoneyColumn,
    TableSection,
    date_text,
    money_text,
)
from cms_billing.core.forms import MoneyField
from cms_billing.core.money import Money
from cms_billing.faktura.models import Customer, Document, OpenItem

from ..models import Payment
from ..services import charge_back, enter_never_charged, record_payment

BY_HAND = [way for way in Payment.Way if way != Payment.Way.PROVIDER]


def customer_url(row: Any) -> str:
    return reverse("billing-customer:inspect", args=[row.customer_id])


def document_url(document: Document | None) -> str | None:
    return reverse("billing-document:inspect", args=[document.pk]) if document else None


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
    appropriation = forms.ChoiceField(
        label=gettext_lazy("Settles first"),
        choices=Payment.Appropriation.choices,
        required=False,
        widget=forms.RadioSelect,
        help_text=gettext_lazy(
            "Matters where reminder fees or interest are open and not everything is paid."
        ),
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
            "appropriation": Payment.Appropriation.LAW,
        }

    def perform(self, form: forms.Form) -> str:
        data = form.cleaned_data
        payment = record_payment(
            customer_id=self.customer().pk,
            amount=data["amount"],
            received_on=data["received_on"],
            way=data["way"],
            appropriation=data["appropriation"] or Payment.Appropriation.LAW,
            note=data["note"],
            documents=self.documents(),
            today=self.today(),
            user=self.request.user,
        )
        return _("%(amount)s from %(customer)s recorded: %(parts)s.") % {
            "amount": money_text(payment.amount),
            "customer": self.customer(),
            "parts": ", ".join(
                " ".join([str(part.document or _("on account")), money_text(part.amount)])
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


def was_given_up(payment: Payment) -> bool:
    """A charge that failed to be sent, so that only a person can say what became of it."""
    return payment.state == Payment.State.CREATED and payment.work_state == Payment.WorkState.FAILED


class NeverChargedView(ActionView):
    model = Payment
    permission = "cms_billing_payments.record_payment"
    page_title = gettext_lazy("Enter that it was never charged")
    is_dangerous = True
    explanation = gettext_lazy(
        "Look in the provider's books first: if the charge is there, the customer would pay twice. What is still owed "
        "is charged again by the next run."
    )

    def obstacle(self) -> str:
        if was_given_up(self.object):
            return ""
        return _("%(payment)s is “%(state)s”: nothing has to be entered.") % {
            "payment": self.object,
            "state": self.object.get_state_display(),
        }

    def perform(self, form: forms.Form) -> str:
        enter_never_charged(payment_id=self.object.pk, user=self.request.user)
        return _("%(payment)s was never charged; what is still owed is charged again.") % {
            "payment": self.object
        }
