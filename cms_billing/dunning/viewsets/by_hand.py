"""Steps beside a case's course, each a page that says what happens: start, move, note, chargeback."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import Action, ActionView, date_text, money_text
from cms_billing.core.forms import MoneyField
from cms_billing.faktura.models import Document
from cms_billing.payments.models import Payment

from ..models import Case
from ..plans import ActiveProcedure, active_procedures
from ..services import add_note, enter_chargeback, move_case, start_case
from ..services.moves import payments_of, scopes_at
from .actions import DECIDE, CaseActionView, ReasonForm

State = Case.State
CHARGE_BACK = "cms_billing_payments.charge_back_payment"


def level_choices(procedure: ActiveProcedure | None, *, lowest: int) -> list[tuple[int, str]]:
    """The levels a case can be put on, each with what it locks."""
    numbers = [level.number for level in procedure.facts.levels] if procedure else []
    return [(number, _level_text(number)) for number in ([0] if lowest == 0 else []) + numbers]


def _level_text(number: int) -> str:
    return _("Level %(number)s") % {"number": number} if number else _("before the first letter")


class LevelForm(ReasonForm):
    level = forms.TypedChoiceField(label=gettext_lazy("Level"), coerce=int, widget=forms.RadioSelect)

    field_order = ["level", "reason"]

    def __init__(self, *args: Any, levels: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["level"]
        field.choices = levels


class StartView(ActionView):
    """For a document that is overdue and in no case."""

    model = Document
    permission = DECIDE
    page_title = gettext_lazy("Start dunning")
    action_label = gettext_lazy("Start the case")
    explanation = gettext_lazy(
        "The document becomes a case at once. Its first letter, of the level you choose, goes out with the run on the "
        "day that level is due; “Next step now” on the page of the case sends it today. Nothing is locked that no "
        "letter has announced."
    )
    form_class = LevelForm
    made: Case | None = None

    def rows(self) -> QuerySet[Any]:
        return (
            super().rows().select_related("issuer", "customer", "open_item").filter(open_item__isnull=False)
        )

    def get_form_kwargs(self) -> dict[str, Any]:
        procedure = active_procedures(self.object.issuer).get(self.object.customer.kind)
        return {**super().get_form_kwargs(), "levels": level_choices(procedure, lowest=1)}

    def get_initial(self) -> dict[str, Any]:
        return {"level": 1}

    def perform(self, form: forms.Form) -> str:
        self.made = start_case(
            document_id=self.object.pk,
            first_level=form.cleaned_data["level"],
            reason=form.cleaned_data["reason"],
            today=clock.today(self.object.issuer),
            user=self.request.user,
        )
        return _("%(document)s is in dunning.") % {"document": self.object}

    def back_url(self) -> str:
        if self.made is not None:
            return reverse("billing-dunning:inspect", args=[self.made.pk])
        return super().back_url()


def can_start(document: Document) -> bool:
    item = getattr(document, "open_item", None)
    if item is None or item.open_minor <= 0 or item.due_on >= clock.today(document.issuer):
        return False
    return not Case.objects.live().filter(document=document).exists()


def document_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Start dunning"),
            "billing-dunning:start",
            "warning",
            DECIDE,
            when=can_start,
            priority=5,
        )
    ]


class MoveView(CaseActionView):
    page_title = gettext_lazy("Move to another level")
    action_label = pgettext_lazy("a case", "Move")
    explanation = gettext_lazy(
        "The case goes on as if its last letter had been that of the level you choose; the next one waits its full "
        "time from today. No letter goes out for the move itself."
    )
    form_class = LevelForm

    @cached_property
    def procedure(self) -> ActiveProcedure | None:
        return active_procedures(self.object.issuer).get(self.object.customer.kind)

    def get_form_kwargs(self) -> dict[str, Any]:
        levels = [
            (number, f"{text}: {self.effect(number)}")
            for number, text in level_choices(self.procedure, lowest=0)
            if number != self.object.level or self.object.state != State.OPEN
        ]
        return {**super().get_form_kwargs(), "levels": levels}

    def effect(self, level: int) -> str:
        """What the level would do to access: nothing that was not announced is locked."""
        case = self.object
        assert self.procedure is not None, "without a procedure there is no level to choose"
        _announced, locked = scopes_at(self.procedure.facts, level=level, announced=case.announced_scope)
        if locked and locked != case.lock_scope:
            return _("locks at once, as announced")
        if locked:
            return _("stays locked")
        return _("opens what is locked") if case.lock_scope else _("locks nothing")

    def perform(self, form: forms.Form) -> str:
        case = move_case(
            case_id=self.object.pk,
            level=form.cleaned_data["level"],
            reason=form.cleaned_data["reason"],
            today=clock.today(self.object.issuer),
            user=self.request.user,
        )
        return _("%(case)s is on level %(level)s.") % {"case": case, "level": case.level}


class NoteForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=250,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("For your colleagues, in the timeline. It cannot be changed afterwards."),
    )


class NoteView(CaseActionView):
    page_title = gettext_lazy("Add a note")
    action_label = gettext_lazy("Add")
    form_class = NoteForm

    def perform(self, form: forms.Form) -> str:
        add_note(case_id=self.object.pk, text=form.cleaned_data["text"], user=self.request.user)
        return _("The note is in the timeline.")


class PaymentField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Payment) -> str:
        parts = [str(obj), date_text(obj.received_on), obj.provider, obj.note]
        return " · ".join(filter(None, parts))


class ChargeBackForm(forms.Form):
    payment = PaymentField(
        label=gettext_lazy("Payment"),
        queryset=Payment.objects.none(),
        widget=forms.RadioSelect,
        empty_label=None,
    )
    amount = MoneyField(
        label=gettext_lazy("Amount that went back"),
        minimum=1,
        required=False,
        help_text=gettext_lazy("Empty: the whole payment."),
    )
    fee = MoneyField(
        label=gettext_lazy("Fee of the bank"),
        required=False,
        help_text=gettext_lazy(
            "Claimed from the customer with the document. Empty: the fee set at the provider's account, if there is "
            "one. 0: none."
        ),
    )
    day = forms.DateField(label=gettext_lazy("Came back on"), widget=AdminDateInput)
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=200, help_text=gettext_lazy("As the bank gives it.")
    )

    def __init__(self, *args: Any, case: Case, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        payments: Any = self.fields["payment"]
        payments.queryset = payments_of(case)
        for name in ("amount", "fee"):
            field: Any = self.fields[name]
            field.currency = case.document.currency

    def clean_day(self) -> date:
        day = self.cleaned_data["day"]
        if day > self.today:
            raise forms.ValidationError(_("That day is still to come."))
        return day

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        payment, day = data.get("payment"), data.get("day")
        if payment and day and payment.received_on and day < payment.received_on:
            message = _("The payment was received on %(day)s: it cannot have come back before.")
            self.add_error("day", message % {"day": date_text(payment.received_on)})
        return data


class ChargeBackView(CaseActionView):
    permission = CHARGE_BACK
    page_title = gettext_lazy("Enter a chargeback")
    is_dangerous = True
    explanation = gettext_lazy(
        "The money went back to the payer. What the payment settled is owed again and reminders go on: a case that it "
        "had closed opens again at its level, locked if that level locks."
    )
    form_class = ChargeBackForm

    def obstacle(self) -> str:
        return (
            "" if payments_of(self.object).exists() else _("No payment has been received for this document.")
        )

    def get_form_kwargs(self) -> dict[str, Any]:
        today = clock.today(self.object.issuer)
        return {**super().get_form_kwargs(), "case": self.object, "today": today}

    def get_initial(self) -> dict[str, Any]:
        first = payments_of(self.object).first()
        return {"day": clock.today(self.object.issuer), "payment": first.pk if first else None}

    def perform(self, form: forms.Form) -> str:
        data = form.cleaned_data
        enter_chargeback(
            case_id=self.object.pk,
            payment_id=data["payment"].pk,
            day=data["day"],
            reason=data["reason"],
            amount=data["amount"],
            fee=data["fee"],
            user=self.request.user,
        )
        return _("%(amount)s went back; %(document)s is owed again.") % {
            "amount": money_text(data["amount"] or data["payment"].amount),
            "document": self.object.document,
        }
