"""Sending an archived document once more: as it was, in a new mail, on paper, or to another address."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from cms_billing.core.admin import ActionView
from cms_billing.core.models import OutsideWork

from ..models import Attach, Delivery, Document
from ..services import print_again, send_again, send_elsewhere, send_same_again

SEND = "cms_billing_faktura.send_document"


class SendAgainForm(forms.Form):
    to = forms.EmailField(label=pgettext_lazy("e-mail", "To"))
    attach = forms.ChoiceField(label=gettext_lazy("Attached"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        attach: Any = self.fields["attach"]
        attach.choices = [("", _("as usual for this customer")), *Attach.choices]


class HowAgainForm(SendAgainForm):
    """A new mail, the one that was sent, or paper."""

    MAIL, SAME, PAPER = "mail", "same", "paper"

    how = forms.ChoiceField(
        label=gettext_lazy("How"),
        choices=[
            (SAME, gettext_lazy("the mail as it was sent, unchanged to the byte")),
            (MAIL, gettext_lazy("a new mail with the archived file")),
            (PAPER, gettext_lazy("on paper: into the next print file")),
        ],
        widget=forms.RadioSelect,
        initial=MAIL,
        required=False,
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Needed for paper."),
    )
    field_order: tuple[str, ...] = ("how", "to", "attach", "reason")

    def __init__(self, *args: Any, document: Document, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].required = False
        self.fields["attach"].help_text = _("Only for a new mail.")
        if not document.deliveries.exclude(archived_message=None).exists():
            how: Any = self.fields["how"]
            how.choices = [choice for choice in how.choices if choice[0] != self.SAME]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("how") == self.PAPER and not data.get("reason", "").strip():
            self.add_error("reason", _("Say why it is printed again."))
        elif data.get("how") != self.PAPER and not data.get("to") and "to" not in self.errors:
            self.add_error("to", _("Which address?"))
        return data


def send_once_more(document: Document, data: dict[str, Any], user: Any) -> str:
    """What a filled-in ``HowAgainForm`` asks for; the message of success."""
    how = data.get("how")
    if how == HowAgainForm.PAPER:
        print_again(document=document, reason=data["reason"], user=user)
        return _("%(document)s waits for the next print file.") % {"document": document}
    if how == HowAgainForm.SAME:
        send_same_again(document=document, to=data["to"], user=user)
    else:
        send_again(document=document, to=data["to"], attach=data["attach"], user=user)
    return _("%(document)s goes to %(to)s.") % {"document": document, "to": data["to"]}


class SendAgainView(ActionView):
    model = Document
    permission = SEND
    page_title = gettext_lazy("Send again")
    form_class = HowAgainForm
    explanation = gettext_lazy("What was archived is sent once more, unchanged.")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "document": self.object}

    def get_initial(self) -> dict[str, Any]:
        return {"to": self.object.customer.email or self.object.recipient_email}

    def perform(self, form: forms.Form) -> str:
        return send_once_more(self.object, form.cleaned_data, self.request.user)


class SendElsewhereForm(SendAgainForm):
    keep_address = forms.BooleanField(
        label=gettext_lazy("Keep it as the customer's e-mail address"), required=False
    )


class SendElsewhereView(ActionView):
    """Straight from the to-do list: the address was wrong, this one is right."""

    model = Delivery
    permission = SEND
    page_title = gettext_lazy("Send to another address")
    form_class = SendElsewhereForm

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("document__customer", "document__issuer")

    @property
    def explanation(self) -> str:
        return self.object.last_error

    def obstacle(self) -> str:
        if self.object.work_state != OutsideWork.WorkState.FAILED:
            return _("%(delivery)s did not fail; open the document to send it again.") % {
                "delivery": self.object
            }
        return ""

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        if not self.request.user.has_perm("cms_billing_faktura.change_customer"):
            del form.fields["keep_address"]
        return form

    def get_initial(self) -> dict[str, Any]:
        return {"to": self.object.to, "attach": self.object.attach}

    def perform(self, form: forms.Form) -> str:
        row = send_elsewhere(
            delivery_id=self.object.pk,
            to=form.cleaned_data["to"],
            attach=form.cleaned_data["attach"],
            keep_address=form.cleaned_data.get("keep_address", False),
            user=self.request.user,
        )
        return _("%(document)s goes to %(to)s.") % {"document": row.document, "to": row.to}
