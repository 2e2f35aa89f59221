"""Making an agreement with a customer: from their page or from a case, with the plan shown before it is agreed on."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import ActionView, date_text, money_text
from cms_billing.core.money import Money
from cms_billing.faktura.models import Customer, OpenItem

from .. import agreements as rules
from ..agreements import Part
from ..models import Agreement, Case
from ..services import make_deferral, make_instalment_plan, make_promise

DECIDE = "cms_billing_dunning.decide_agreement"
Kind = Agreement.Kind


def item_label(item: OpenItem) -> str:
    return _("%(number)s, due on %(day)s: %(amount)s") % {
        "number": item.document.number,
        "day": date_text(item.due_on),
        "amount": money_text(item.open_amount),
    }


class AgreementForm(forms.Form):
    documents = forms.ModelMultipleChoiceField(
        label=pgettext_lazy("of accounting", "Documents"),
        queryset=OpenItem.objects.none(),
        widget=forms.CheckboxSelectMultiple,
    )
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=Kind.choices)
    first_on = forms.DateField(
        label=gettext_lazy("To be paid by"),
        widget=AdminDateInput,
        help_text=gettext_lazy("Of an instalment plan: the day of the first instalment."),
    )
    count = forms.IntegerField(
        label=gettext_lazy("Monthly instalments"),
        required=False,
        min_value=2,
        max_value=rules.MOST_INSTALMENTS,
        help_text=gettext_lazy("Only for an instalment plan."),
    )
    opens_access = forms.BooleanField(
        label=gettext_lazy("Open locked content while it is kept"), required=False, initial=True
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("For your colleagues."),
    )

    def __init__(self, *args: Any, items: QuerySet[OpenItem], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        documents: Any = self.fields["documents"]
        documents.queryset, documents.label_from_instance = items, item_label

    def clean_first_on(self) -> date:
        if self.cleaned_data["first_on"] < self.today:
            raise ValidationError(_("The first payment cannot be due before today."))
        return self.cleaned_data["first_on"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("kind") == Kind.INSTALMENTS and not data.get("count") and "count" not in self.errors:
            self.add_error("count", _("Say how many instalments."))
        items = data.get("documents")
        if items is not None and len({item.currency for item in items}) > 1:
            self.add_error("documents", _("An agreement is about documents of one customer in one currency."))
        return data

    def parts(self) -> tuple[Part, ...]:
        """The plan that these values would make. Only for a form that is valid."""
        items = self.cleaned_data["documents"]
        debt = Money(sum(item.open_minor for item in items), items[0].currency)
        first_on, count = self.cleaned_data["first_on"], self.cleaned_data["count"]
        if self.cleaned_data["kind"] == Kind.INSTALMENTS:
            return rules.monthly(debt, count=count, first_on=first_on)
        return rules.whole(debt, due_on=first_on)


class MakeAgreementView(ActionView):
    """Two buttons: look at the plan, which writes nothing, and agree."""

    permission = DECIDE
    template_name = "cms_billing/dunning/admin/make_agreement.html"
    form_class = AgreementForm
    page_title = gettext_lazy("Make an agreement")
    action_label = gettext_lazy("Agree")
    explanation = gettext_lazy(
        "While it is kept no reminders go out for these documents; of an instalment plan or a deferral nothing is "
        "charged before its day. The customer gets it by e-mail. A promise to pay leaves charges as they are."
    )
    parts: tuple[Part, ...] = ()
    made: Agreement | None = None

    def customer(self) -> Customer:
        raise NotImplementedError

    def chosen(self) -> list[int]:
        """Ticked at first."""
        today = clock.today(self.customer().issuer)
        return [item.pk for item in self.items() if item.due_on < today]

    def items(self) -> QuerySet[OpenItem]:
        return (
            OpenItem.objects.open()
            .filter(customer=self.customer())
            .select_related("document")
            .order_by("due_on", "document_id")
        )

    def get_form_kwargs(self) -> dict[str, Any]:
        today = clock.today(self.customer().issuer)
        return {**super().get_form_kwargs(), "items": self.items(), "today": today}

    def get_initial(self) -> dict[str, Any]:
        today = clock.today(self.customer().issuer)
        return {"documents": self.chosen(), "first_on": today + timedelta(days=7)}

    def form_valid(self, form: Any) -> HttpResponse:
        if "preview" in self.request.POST:
            self.parts = form.parts()
            return self.render_to_response(self.get_context_data(form=form))
        return super().form_valid(form)

    def perform(self, form: forms.Form) -> str:
        data = form.cleaned_data
        common = {
            "document_ids": [item.pk for item in data["documents"]],
            "today": clock.today(self.customer().issuer),
            "opens_access": data["opens_access"],
            "note": data["note"],
            "user": self.request.user,
        }
        match data["kind"]:
            case Kind.PROMISE:
                self.made = make_promise(until=data["first_on"], **common)
            case Kind.DEFERRAL:
                self.made = make_deferral(until=data["first_on"], **common)
            case _:
                self.made = make_instalment_plan(count=data["count"], first_on=data["first_on"], **common)
        return _("Agreed: %(agreement)s.") % {"agreement": self.made}

    def back_url(self) -> str:
        if self.made is not None and self.request.user.has_perm("cms_billing_dunning.view_agreement"):
            return reverse("billing-agreement:inspect", args=[self.made.pk])
        return self.from_url()

    def from_url(self) -> str:
        raise NotImplementedError


class AgreementForCustomerView(MakeAgreementView):
    model = Customer

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def customer(self) -> Customer:
        return self.object

    def from_url(self) -> str:
        return reverse("billing-customer:inspect", args=[self.object.pk])


class AgreementForCaseView(MakeAgreementView):
    model = Case

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "customer__issuer", "document")

    def customer(self) -> Customer:
        return self.object.customer

    def chosen(self) -> list[int]:
        return [self.object.document_id]

    def from_url(self) -> str:
        return reverse("billing-dunning:inspect", args=[self.object.pk])
