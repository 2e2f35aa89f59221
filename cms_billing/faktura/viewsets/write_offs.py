"""Open amounts that are given up, with a reason and within the issuer's limit."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cms_billing.core import clock
from cms_billing.core.admin import (
    Action,
    ActionView,
    money_text,
)
from cms_billing.core.forms import MoneyField
from cms_billing.core.money import Money

from ..models import Document
from ..services import (
    WriteOffReason,
    left_of_write_off_limit,
    write_off,
)

WRITE_OFF = "cms_billing_faktura.write_off_document"
WITHOUT_LIMIT = "cms_billing_faktura.write_off_without_limit"


class WriteOffForm(forms.Form):
    amount = MoneyField(label=gettext_lazy("Amount"), minimum=1)
    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        choices=WriteOffReason.choices,
        widget=forms.RadioSelect,
        initial=WriteOffReason.UNCOLLECTABLE,
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=150,
        required=False,
        help_text=gettext_lazy("For your colleagues, in the ledger; the customer does not see it."),
    )

    def __init__(self, *args: Any, most: Money, limit: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        amount: Any = self.fields["amount"]
        amount.currency, amount.maximum = most.currency, most.minor
        amount.label = _("Amount in %(currency)s") % {"currency": most.currency}
        amount.help_text = limit

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("reason") == WriteOffReason.OTHER and not data.get("note"):
            self.add_error("note", _("Say which reason."))
        return data


class WriteOffView(ActionView):
    model = Document
    permission = WRITE_OFF
    page_title = gettext_lazy("Write off")
    is_dangerous = True
    form_class = WriteOffForm
    explanation = gettext_lazy(
        "The claim is given up in the books; reminders for it end. The invoice and its tax stay as they are: an "
        "invoice that was wrong is corrected instead."
    )

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "customer", "open_item")

    @property
    def is_limited(self) -> bool:
        return not self.request.user.has_perm(WITHOUT_LIMIT)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.user.has_perm(WITHOUT_LIMIT):
            self.permission = WITHOUT_LIMIT
        elif not request.user.has_perm(WRITE_OFF):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def obstacle(self) -> str:
        item = getattr(self.object, "open_item", None)
        if item is None or item.open_minor <= 0:
            return _("%(document)s is owed nothing.") % {"document": self.object}
        if self.is_limited and left_of_write_off_limit(self.object).minor == 0:
            return _(
                "Of %(document)s as much as you may has been written off. Ask somebody who may do more."
            ) % {"document": self.object}
        return ""

    def most(self) -> Money:
        open_amount = self.object.open_item.open_amount
        if not self.is_limited:
            return open_amount
        return min(open_amount, left_of_write_off_limit(self.object), key=lambda amount: amount.minor)

    def limit_text(self) -> str:
        text = _("%(open)s are open.") % {"open": money_text(self.object.open_item.open_amount)}
        if self.is_limited:
            left = left_of_write_off_limit(self.object)
            text += " " + _("You may write off up to %(limit)s of this document.") % {
                "limit": money_text(left)
            }
        return text

    def get_form_kwargs(self) -> dict[str, Any]:
        return {
            **super().get_form_kwargs(),
            "most": self.object.open_item.open_amount,
            "limit": self.limit_text(),
        }

    def get_initial(self) -> dict[str, Any]:
        return {"amount": self.most()}

    def perform(self, form: forms.Form) -> str:
        data = form.cleaned_data
        write_off(
            document_id=self.object.pk,
            amount=data["amount"],
            reason=data["reason"],
            note=data["note"],
            today=clock.today(self.object.issuer),
            limited=self.is_limited,
            user=self.request.user,
        )
        return _("%(amount)s of %(document)s are written off.") % {
            "amount": money_text(data["amount"]),
            "document": self.object,
        }


def document_actions() -> list[Action]:
    return [Action(gettext_lazy("Write off"), "billing_write_off", "minus", WRITE_OFF, when=is_owed)]


def is_owed(document: Any) -> bool:
    item = getattr(document, "open_item", None)
    return item is not None and item.open_minor > 0
