"""Usage and other particulars of a line, as people type or paste them: a row each, ``date; text; quantity; amount``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import localize_input
from django.utils.translation import gettext as _

from cms_billing.core.forms import MoneyField, NumberField
from cms_billing.core.money import Money

MAX_ROWS = 2000
MAX_TEXT = 255


def parse_details(text: str, currency: str) -> list[dict[str, Any]] | None:
    """What ``DocumentLine.details`` holds; None for nothing. Columns are parted by tabs or semicolons; a row without
    any is its text. Raises ValidationError that names the row."""
    rows = [(number, row) for number, row in enumerate(text.splitlines(), start=1) if row.strip()]
    if len(rows) > MAX_ROWS:
        raise ValidationError(_("More than %(n)s rows are too many for one line."), params={"n": MAX_ROWS})
    return [_detail(number, row, currency) for number, row in rows] or None


def _detail(number: int, row: str, currency: str) -> dict[str, Any]:
    cells = [cell.strip() for cell in row.split("\t" if "\t" in row else ";")]
    if len(cells) == 1:
        cells = ["", *cells]
    cells += [""] * (4 - len(cells))
    try:
        if len(cells) > 4:
            raise ValidationError(_("A row is: date; text; quantity; amount."))
        day = forms.DateField(required=False).clean(cells[0])
        label = forms.CharField(max_length=MAX_TEXT).clean(cells[1])
        quantity = NumberField(required=False, max_digits=12, decimal_places=3).clean(cells[2])
        amount = MoneyField(currency=currency, minimum=None, required=False).clean(cells[3])
    except ValidationError as error:
        raise ValidationError(
            _("Row %(number)s (%(row)s): %(reason)s"),
            params={"number": number, "row": row.strip()[:60], "reason": " ".join(error.messages)},
        ) from error
    return {
        "date": f"{day:%Y-%m-%d}" if day else None,
        "text": label,
        "quantity": f"{quantity.normalize():f}" if quantity is not None else None,
        "amount_minor": amount.minor if amount is not None else None,
    }


def details_text(details: Sequence[Mapping[str, Any]] | None, currency: str) -> str:
    """As a person would have typed them in the active language."""
    return "\n".join(_row(detail, currency) for detail in details or ())


def _row(detail: Mapping[str, Any], currency: str) -> str:
    minor = detail.get("amount_minor")
    cells = [
        str(detail.get("date") or ""),
        str(detail.get("text") or ""),
        _number(detail.get("quantity")),
        localize_input(Money(minor, currency).amount) if minor is not None else "",
    ]
    if not (cells[0] or cells[2] or cells[3]) and ";" not in cells[1]:
        return cells[1]
    # A semicolon in the text would be taken for a new column.
    between = "\t" if ";" in cells[1] else "; "
    return between.join(cells).rstrip("; \t") if cells[1] else between.join(cells)


def _number(value: Any) -> str:
    return localize_input(Decimal(value)) if value else ""
