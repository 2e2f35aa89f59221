"""Paying back: the forms on the pages of customers, corrections, payments and refunds."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import ActionView, date_text, money_text
from cms_billing.core.forms import MoneyField
from cms_billing.core.money import Money
from cms_billing.faktura.models import Customer, Document, DocumentKind

from ..models import Payment, Refund
from ..selectors import name_of_way, refundable, ways_back
from ..services import (
    enter_refund_at_provider,
    mark_transferred,
    may_be_withdrawn,
    refund_customer,
    transfer_came_back,
    withdraw_refund,
)

REFUND = "cms_billing_payments.refund_payment"
CORRECTIONS = (DocumentKind.CREDIT_NOTE, DocumentKind.CANCELLATION)


class PayBackForm(forms.Form):
    """``way`` is ``provider:<payment id>``, ``transfer`` or ``cash``."""

    amount = MoneyField(label=gettext_lazy("Amount"), minimum=1)
    way = forms.ChoiceField(label=gettext_lazy("How it goes back"), widget=forms.RadioSelect)
    iban = forms.CharField(
        label=gettext_lazy("IBAN"),
        max_length=42,
        required=False,
        help_text=gettext_lazy("For a transfer."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    account_holder = forms.CharField(
        label=gettext_lazy("Account holder"),
        max_length=70,
        required=False,
        help_text=gettext_lazy("For a transfer."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("For your colleagues."),
    )

    def __init__(
        self, *args: Any, most: Money, ways: list[tuple[str, str]], amount_help: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        amount: Any = self.fields["amount"]
        amount.currency, amount.help_text = most.currency, amount_help
        amount.label = _("Amount in %(currency)s") % {"currency": most.currency}
        way: Any = self.fields["way"]
        way.choices = ways

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("way") == Refund.Way.TRANSFER:
            for name in ("iban", "account_holder"):
                if not data.get(name):
                    self.add_error(name, _("A transfer needs this."))
        return data


class PayBackView(ActionView):
    """For a customer: their credit, through the payments it may go back by, by transfer or in cash."""

    model: type[Any] = Customer
    permission = REFUND
    page_title = gettext_lazy("Pay back")
    form_class = PayBackForm
    refund: Refund | None = None

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def customer(self) -> Customer:
        return self.object

    def document(self) -> Document | None:
        return None

    def replaced(self) -> Refund | None:
        """The failed refund this one is made instead of (``?instead_of=``)."""
        wanted = self.request.GET.get("instead_of", "")
        if not wanted.isdigit():
            return None
        return Refund.objects.failed().filter(customer=self.customer(), pk=wanted).first()

    def currency(self) -> str:
        if (replaced := self.replaced()) is not None:
            return replaced.currency
        codes = self.customer().ledger_entries.filter(document=None).order_by()
        own = self.customer().issuer.currency
        for code in sorted(
            set(codes.values_list("currency", flat=True)), key=lambda code: (code != own, code)
        ):
            if refundable(customer_id=self.customer().pk, currency=code).most > 0:
                return code
        return own

    def most(self) -> Money:
        currency = self.currency()
        return Money(refundable(customer_id=self.customer().pk, currency=currency).most, currency)

    def obstacle(self) -> str:
        facts = refundable(customer_id=self.customer().pk, currency=self.currency())
        if facts.most > 0:
            return ""
        if facts.promised:
            return _("All of the credit of %(customer)s is on its way back already.") % {
                "customer": self.customer()
            }
        return _("%(customer)s has no credit to pay back: issue the correction or cancellation first.") % {
            "customer": self.customer()
        }

    @property
    def explanation(self) -> str:
        return _(
            "The customer's credit falls and they get a receipt. The original way of payment comes first: whoever "
            "paid by card expects it there. A transfer is listed until somebody has made it."
        )

    def preset(self) -> Money:
        replaced, most = self.replaced(), self.most()
        return most if replaced is None else min(replaced.amount, most, key=lambda amount: amount.minor)

    def ways(self) -> list[tuple[str, str]]:
        found = ways_back(self.customer(), currency=self.currency(), document=self.document())
        through = [
            (
                f"provider:{way.payment.pk}",
                _("%(way)s, paid on %(day)s – up to %(left)s")
                % {
                    "way": name_of_way(way.payment),
                    "day": date_text(way.payment.received_on),
                    "left": money_text(way.left),
                },
            )
            for way in found
        ]
        return [*through, ("transfer", _("Bank transfer")), ("cash", _("Cash, paid out now"))]

    def get_form_kwargs(self) -> dict[str, Any]:
        most = self.most()
        text = _("Up to %(most)s can be paid back.") % {"most": money_text(most)}
        return {**super().get_form_kwargs(), "most": most, "ways": self.ways(), "amount_help": text}

    def get_initial(self) -> dict[str, Any]:
        customer, replaced = self.customer(), self.replaced()
        last = customer.refunds.exclude(iban="").order_by("-id").first()
        ways = [key for key, _label in self.ways()]
        return {
            "amount": self.preset(),
            # What failed once through the card is not tried there again by default.
            "way": "transfer" if replaced is not None else ways[0],
            "iban": last.iban if last else "",
            "account_holder": last.account_holder if last else customer.name[:70],
            "reason": replaced.reason if replaced is not None else "",
        }

    def perform(self, form: forms.Form) -> str:
        data = form.cleaned_data
        way, _colon, payment = data["way"].partition(":")
        document, replaced = self.document(), self.replaced()
        self.refund = refund_customer(
            customer_id=self.customer().pk,
            amount=data["amount"],
            way=way,
            payment_id=int(payment) if payment else None,
            document_id=document.pk if document else None,
            iban=data["iban"],
            account_holder=data["account_holder"],
            reason=data["reason"],
            instead_of=replaced.pk if replaced else None,
            today=clock.today(self.customer().issuer),
            user=self.request.user,
        )
        return _SAID[way] % {"amount": money_text(data["amount"]), "customer": self.customer()}

    def back_url(self) -> str:
        if self.refund is not None and self.request.user.has_perm("cms_billing_payments.view_refund"):
            return reverse("billing-refund:inspect", args=[self.refund.pk])
        return super().back_url()


_SAID = {
    "provider": gettext_lazy(
        "%(amount)s go back to %(customer)s the way they came; this page says when they are there."
    ),
    "transfer": gettext_lazy(
        "%(amount)s are to be transferred to %(customer)s: it stands on the list of transfers."
    ),
    "cash": gettext_lazy("%(amount)s are paid out to %(customer)s; the receipt is being made."),
}


class PayBackForDocumentView(PayBackView):
    """For a correction or cancellation: so much of the credit as it gave."""

    model = Document

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer__issuer", "corrects")

    def customer(self) -> Customer:
        return self.object.customer

    def document(self) -> Document:
        return self.object

    def currency(self) -> str:
        return self.object.currency

    def preset(self) -> Money:
        gone = sum(
            self.object.refunds.exclude(state__in=["failed", "withdrawn"]).values_list(
                "amount_minor", flat=True
            )
        )
        left, most = -self.object.gross_minor - gone, self.most()
        return Money(min(left, most.minor), most.currency) if left > 0 else most

    def obstacle(self) -> str:
        if self.object.kind not in CORRECTIONS:
            return _(
                "%(document)s gives no credit: pay back from a correction, or from the customer's page."
            ) % {"document": self.object}
        return super().obstacle()


class _RefundView(ActionView):
    model = Refund
    permission = REFUND

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer", "issuer", "payment")

    def today(self) -> date:
        return clock.today(self.object.issuer)

    def get_initial(self) -> dict[str, Any]:
        return {"day": self.today()}

    def not_now(self) -> str:
        return _("%(refund)s is “%(state)s”.") % {
            "refund": self.object,
            "state": self.object.get_state_display(),
        }


class DayForm(forms.Form):
    day = forms.DateField(label=gettext_lazy("Transferred on"), widget=AdminDateInput)


class MarkTransferredView(_RefundView):
    page_title = gettext_lazy("Mark as transferred")
    form_class = DayForm
    explanation = gettext_lazy(
        "You have made the transfer at your bank. It is booked and the customer gets a receipt."
    )

    def obstacle(self) -> str:
        waits = self.object.state == Refund.State.PENDING and self.object.way == Refund.Way.TRANSFER
        return "" if waits else self.not_now()

    def perform(self, form: forms.Form) -> str:
        refund = mark_transferred(
            refund_id=self.object.pk,
            paid_on=form.cleaned_data["day"],
            today=self.today(),
            user=self.request.user,
        )
        return _("%(amount)s to %(customer)s are booked.") % {
            "amount": money_text(refund.amount),
            "customer": self.object.customer,
        }


class WithdrawRefundView(_RefundView):
    page_title = gettext_lazy("Withdraw the refund")
    is_dangerous = True
    explanation = gettext_lazy(
        "No money has left. The credit stays with the customer and may be used otherwise."
    )

    def obstacle(self) -> str:
        return "" if may_be_withdrawn(self.object) else self.not_now()

    def perform(self, form: forms.Form) -> str:
        withdraw_refund(refund_id=self.object.pk, user=self.request.user)
        return _("%(refund)s is withdrawn.") % {"refund": self.object}


class CameBackForm(forms.Form):
    day = forms.DateField(label=gettext_lazy("Came back on"), widget=AdminDateInput)
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=200, help_text=gettext_lazy("As the bank gives it.")
    )


class CameBackView(_RefundView):
    page_title = gettext_lazy("The transfer came back")
    is_dangerous = True
    form_class = CameBackForm
    explanation = gettext_lazy("The bank has returned the money: it is the customer's credit again.")

    def obstacle(self) -> str:
        paid = self.object.state == Refund.State.PAID and self.object.way == Refund.Way.TRANSFER
        return "" if paid else self.not_now()

    def perform(self, form: forms.Form) -> str:
        transfer_came_back(
            refund_id=self.object.pk,
            day=form.cleaned_data["day"],
            today=self.today(),
            reason=form.cleaned_data["reason"],
            user=self.request.user,
        )
        return _("%(amount)s are the credit of %(customer)s again.") % {
            "amount": money_text(self.object.amount),
            "customer": self.object.customer,
        }


class ElsewhereForm(forms.Form):
    amount = MoneyField(label=gettext_lazy("Amount"), minimum=1)
    day = forms.DateField(label=gettext_lazy("Paid back on"), widget=AdminDateInput)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200, required=False)

    def __init__(self, *args: Any, most: Money, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        amount: Any = self.fields["amount"]
        amount.currency, amount.maximum = most.currency, most.minor
        amount.label = _("Amount in %(currency)s") % {"currency": most.currency}


class EnterElsewhereView(ActionView):
    """For a payment: somebody paid back at the provider's own dashboard."""

    model = Payment
    permission = REFUND
    page_title = gettext_lazy("Enter the provider's refund")
    form_class = ElsewhereForm
    explanation = gettext_lazy(
        "The money went back at the provider, not from here: it is booked on the customer's account with a receipt. If "
        "the invoice is to be less as well, issue the correction too, or the customer owes the amount."
    )

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer", "issuer")

    def obstacle(self) -> str:
        if self.object.refunded_elsewhere_minor > 0:
            return ""
        return _("The provider told of no refund of %(payment)s that is not entered here.") % {
            "payment": self.object
        }

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "most": self.object.refunded_elsewhere}

    def get_initial(self) -> dict[str, Any]:
        return {"amount": self.object.refunded_elsewhere, "day": clock.today(self.object.issuer)}

    def perform(self, form: forms.Form) -> str:
        data = form.cleaned_data
        enter_refund_at_provider(
            payment_id=self.object.pk,
            amount=data["amount"],
            paid_on=data["day"],
            reason=data["reason"],
            today=clock.today(self.object.issuer),
            user=self.request.user,
        )
        return _("%(amount)s paid back at the provider are booked.") % {"amount": money_text(data["amount"])}
