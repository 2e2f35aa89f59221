"""Setting a block or a dispute, from the page of a customer, a document or a case."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import ActionView
from cms_billing.faktura.models import Customer, Document, DocumentLine, OpenItem

from ..models import Case, Hold
from ..services import set_hold

DECIDE = "cms_billing_dunning.decide_hold"
# Open documents a form offers; the page of a document offers its own.
OFFERED = 50


class HoldForm(forms.Form):
    """``applies_to`` is ``customer``, ``contract:<number>`` or ``document:<id>``."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=Hold.Kind.choices,
        widget=forms.RadioSelect,
        initial=Hold.Kind.BLOCK,
        help_text=gettext_lazy("A disputed claim is not handed over to collection by itself either."),
    )
    applies_to = forms.ChoiceField(label=gettext_lazy("For"))
    until = forms.DateField(
        label=gettext_lazy("Until"),
        required=False,
        widget=AdminDateInput,
        help_text=gettext_lazy("With this day. Empty: until somebody lifts the block."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=200, help_text=gettext_lazy("For your colleagues.")
    )

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        applies_to: Any = self.fields["applies_to"]
        applies_to.choices = choices

    def scope(self) -> dict[str, Any]:
        what, _colon, which = self.cleaned_data["applies_to"].partition(":")
        return {
            "contract_reference": which if what == "contract" else "",
            "document_id": int(which) if what == "document" else None,
        }


class HoldForCustomerView(ActionView):
    model: type[Any] = Customer
    permission = DECIDE
    page_title = gettext_lazy("Block reminders")
    action_label = gettext_lazy("Block")
    explanation = gettext_lazy(
        "No reminders are sent for this and no level is reached. What is locked already stays locked."
    )
    form_class = HoldForm

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def customer(self) -> Customer:
        return self.object

    def document(self) -> Document | None:
        return None

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "choices": self.choices()}

    def get_initial(self) -> dict[str, Any]:
        document = self.document()
        return {"applies_to": f"document:{document.pk}" if document else "customer"}

    def choices(self) -> list[tuple[str, str]]:
        """The customer, what the form was opened for, then their contracts and open documents."""
        customer, document = self.customer(), self.document()
        items = OpenItem.objects.open().filter(customer=customer)
        open_documents = dict(items.values_list("document_id", "document__number")[:OFFERED])
        if document is not None:
            open_documents = {document.pk: document.number, **open_documents}
        lines = DocumentLine.objects.filter(document__customer=customer).exclude(contract_reference="")
        contracts = lines.order_by("contract_reference").values_list("contract_reference", flat=True)
        return [
            ("customer", _("all documents of the customer")),
            *(
                (f"contract:{number}", _("contract %(number)s") % {"number": number})
                for number in contracts.distinct()
            ),
            *((f"document:{pk}", number) for pk, number in open_documents.items()),
        ]

    def perform(self, form: Any) -> str:
        data, customer = form.cleaned_data, self.customer()
        hold = set_hold(
            customer_id=customer.pk,
            kind=data["kind"],
            reason=data["reason"],
            until=data["until"],
            today=clock.today(customer.issuer),
            user=self.request.user,
            **form.scope(),
        )
        if hold.state == Hold.State.WAITING:
            return _("The block waits for a second person: it is on their to-do list.")
        return _("No reminders: %(hold)s.") % {"hold": hold}


class HoldForDocumentView(HoldForCustomerView):
    model: Any = Document
    page_title = gettext_lazy("Block or dispute")

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer__issuer")

    def customer(self) -> Customer:
        return self.object.customer

    def document(self) -> Document | None:
        return self.object


class HoldForCaseView(HoldForDocumentView):
    model = Case

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("document")

    def document(self) -> Document | None:
        return self.object.document
