"""Form fields for money: people write decimals, the database keeps minor units."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import get_format
from django.utils.translation import gettext as _

from .exceptions import InvalidAmount, UnknownCurrency
from .money import MAX_MINOR, Money, exponent


def without_grouping(text: str) -> str:
    """A number as people write it, without what groups its thousands, such as 1190,00 for 1.190,00.

    Django leaves them in unless the whole site prints them, and would take 1.190 in German for little more than one.
    Where both signs stand, the last one is the decimal sign; where one stands before groups of three digits only, the
    language decides.
    """
    plain = text.strip().translate(_SPACES)
    if "." in plain and "," in plain:
        return plain.replace("," if plain.rfind(".") > plain.rfind(",") else ".", "")
    grouping = "." if get_format("DECIMAL_SEPARATOR") == "," else ","
    return plain.replace(grouping, "") if _GROUPED[grouping].fullmatch(plain) else plain


_SPACES = dict.fromkeys(map(ord, " \u00a0\u202f'\u2019"))
_GROUPED = {sign: re.compile(rf"-?[1-9]\d{{0,2}}(\{sign}\d{{3}})+") for sign in ".,"}


class NumberField(forms.DecimalField):
    """A number as people write it in their language, thousands grouped or not."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("localize", True)
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        return super().to_python(without_grouping(value) if isinstance(value, str) else value)


class MoneyField(NumberField):
    """An amount as people write it; cleans to ``Money``.

    ``currency`` fixed here, or set on the bound field before cleaning (``form.fields["amount"].currency = "CHF"``).
    Refuses more decimals than the currency has, amounts below ``minimum`` (minor units; 0 by default) and absurd ones.
    """

    def __init__(
        self,
        *,
        currency: str = "EUR",
        minimum: int | None = 0,
        maximum: int = MAX_MINOR,
        **kwargs: Any,
    ) -> None:
        self.currency, self.minimum, self.maximum = currency, minimum, maximum
        super().__init__(**kwargs)
        self.widget.attrs.setdefault("inputmode", "decimal")
        self.widget.attrs.setdefault("autocomplete", "off")

    def prepare_value(self, value: Any) -> Any:
        return value.amount if isinstance(value, Money) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, Money):
            return value
        number = super().to_python(value)
        if number is None:
            return None
        if not number.is_finite():
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return money_from(number, self.currency)

    def validate(self, value: Any) -> None:
        forms.Field.validate(self, value)
        if value is not None:
            within(value, minimum=self.minimum, maximum=self.maximum)

    def run_validators(self, value: Any) -> None:
        """The decimal's own validators look at digits; ``to_python`` has done that with the currency in hand."""


def money_from(number: Decimal | int | str, currency: str) -> Money:
    """``Money`` of a number a person wrote; raises ValidationError that says what is wrong with it."""
    try:
        digits = exponent(currency)
        return Money.of(number, currency)
    except UnknownCurrency as error:
        raise ValidationError(
            _("“%(value)s” is no currency code, such as EUR or CHF."),
            code="currency",
            params={"value": currency},
        ) from error
    except InvalidAmount as error:
        if _is_absurd(number, digits):
            raise _too_much(Money(MAX_MINOR, currency)) from error
        message = (
            _("%(currency)s has %(digits)s decimal places: write no more than that.")
            if digits
            else _("%(currency)s has no decimal places: write a whole number.")
        )
        raise ValidationError(
            message, code="decimals", params={"currency": currency, "digits": digits}
        ) from error


def within(amount: Money, *, minimum: int | None, maximum: int = MAX_MINOR) -> None:
    """Raises ValidationError for amounts outside the bounds (minor units)."""
    if minimum is not None and amount.minor < minimum:
        message = (
            _("The amount cannot be negative.")
            if minimum == 0
            else _("The amount must be at least %(minimum)s.")
        )
        raise ValidationError(
            message, code="minimum", params={"minimum": str(Money(minimum, amount.currency))}
        )
    if amount.minor > maximum or amount.minor < -maximum:
        raise _too_much(Money(maximum, amount.currency))


def _is_absurd(number: Any, digits: int) -> bool:
    try:
        return abs(Decimal(number).scaleb(digits)) > MAX_MINOR
    except InvalidOperation:
        return True


def _too_much(maximum: Money) -> ValidationError:
    return ValidationError(
        _("More than %(maximum)s cannot be meant. Check the decimal point."),
        code="maximum",
        params={"maximum": str(maximum)},
    )
