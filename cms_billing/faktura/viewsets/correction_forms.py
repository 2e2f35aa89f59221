"""Forms that correct an invoice: line by line what is credited, and what goes back into stock."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.formats import localize_input
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cms_billing.core.admin import money_text
from cms_billing.core.forms import MoneyField, NumberField
from cms_billing.core.money import Money

from ..crediting import LineLeft
from ..exceptions import LineNotCredited
from ..goods import stock_notes
from ..models import Document
from ..selectors import left_to_credit
from ..services import CreditLine, parts_credited


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy("Printed on the correction, such as “one book returned”."),
    )


class CreditLineForm(forms.Form):
    """One line of the invoice: units that come back, or an amount that its price is reduced by."""

    quantity = NumberField(
        label=gettext_lazy("Units to credit"),
        required=False,
        max_digits=12,
        decimal_places=3,
        min_value=0,
    )
    amount = MoneyField(label=gettext_lazy("or amount, tax included"), required=False)
    restock = forms.BooleanField(label=gettext_lazy("Goods go back into stock"), required=False, initial=True)

    def __init__(
        self, data: Any = None, *, document: Document, left: LineLeft, stock_note: str | None
    ) -> None:
        super().__init__(data, prefix=f"line-{left.line_id}")
        self.document, self.left, self.stock_note = document, left, stock_note
        self.fields["amount"].currency = document.currency  # type: ignore[attr-defined]
        for name in ("quantity", "amount"):
            field = self.fields[name]
            field.widget = forms.TextInput(
                attrs={"inputmode": "decimal", "autocomplete": "off", "class": "billing-number"}
            )
            field.widget.is_localized = True
        if stock_note is None or left.is_used_up:
            del self.fields["restock"]

    @property
    def sold(self) -> str:
        return localize_input(_short(self.left.sold))

    @property
    def units_left(self) -> str:
        return localize_input(_short(self.left.quantity))

    @property
    def amount_left(self) -> str:
        return money_text(Money(self.left.amounts.gross, self.document.currency))

    def wanted(self) -> CreditLine | None:
        """What the form asks for; None: nothing of this line."""
        quantity, amount = self.cleaned_data.get("quantity"), self.cleaned_data.get("amount")
        if not quantity and not amount:
            return None
        restock = self.cleaned_data["restock"] if "restock" in self.fields and quantity else None
        return CreditLine(
            line_id=self.left.line_id,
            quantity=quantity or None,
            gross_minor=amount.minor if amount else None,
            restock=restock,
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        if data.get("quantity") and data.get("amount"):
            self.add_error("amount", _("Credit units or an amount of this line, not both at once."))
        elif wanted := self.wanted():
            try:
                parts_credited(self.document, self.left, wanted)
            except LineNotCredited as error:
                self.add_error("quantity" if wanted.quantity else "amount", error.text.capitalize())
        return data


def _short(number: Decimal) -> Decimal:
    return number.normalize() + 0


def credit_line_forms(document: Document, data: Any = None) -> list[CreditLineForm]:
    left = left_to_credit(document)
    notes = stock_notes([one.line_id for one in left])
    return [
        CreditLineForm(data, document=document, left=one, stock_note=notes.get(one.line_id)) for one in left
    ]


def wanted_lines(forms_of_lines: Sequence[CreditLineForm]) -> list[CreditLine]:
    """What the valid ones ask for."""
    wanted = (form.wanted() for form in forms_of_lines if form.is_valid())
    return [one for one in wanted if one is not None]


class CancelForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy("Printed on the cancellation, such as “wrong address”."),
    )
    then = forms.ChoiceField(
        label=gettext_lazy("What was billed"),
        choices=[
            ("again", gettext_lazy("is billed again with the next run (the invoice was wrong)")),
            ("void", gettext_lazy("is not billed any more (the sale is off)")),
        ],
        widget=forms.RadioSelect,
        initial="again",
    )


class CancelOneForm(CancelForm):
    """Of a single invoice: which of its goods are fit to be sold again."""

    restock = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Goods that go back into stock"),
        help_text=gettext_lazy("Where the sale is off. Untick what is damaged or lost."),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, document: Document, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        left = [one for one in left_to_credit(document) if one.quantity > 0]
        notes = stock_notes([one.line_id for one in left])
        self.stocked = [one.line_id for one in left if one.line_id in notes]
        if not self.stocked:
            del self.fields["restock"]
            return
        self.fields["restock"].choices = [  # type: ignore[attr-defined]
            (one.line_id, _restock_label(one, notes[one.line_id])) for one in left if one.line_id in notes
        ]
        self.fields["restock"].initial = self.stocked

    def not_restocked(self) -> list[int]:
        return [pk for pk in self.stocked if pk not in self.cleaned_data.get("restock", [])]


def _restock_label(left: LineLeft, note: str) -> str:
    label = f"{localize_input(_short(left.quantity))} × {left.description}"
    return f"{label} ({note})" if note else label
