"""Number formats such as ``RE-{year}-{number:06}``. Pure apart from the validator's exception."""

from __future__ import annotations

import re
from string import Formatter

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

_SPEC = re.compile(r"0?\d{0,2}")


def format_number(pattern: str, *, year: int, number: int) -> str:
    return pattern.format(year=year, number=number)


def validate_number_format(pattern: str) -> None:
    """Exactly one ``{number}`` and at most ``{year}``; nothing else in braces, and short enough for the column."""
    try:
        fields = [
            (name, spec, conversion)
            for _text, name, spec, conversion in Formatter().parse(pattern)
            if name is not None
        ]
    except ValueError as error:
        raise ValidationError(
            _("The braces in “%(value)s” do not match."), params={"value": pattern}
        ) from error
    names = [name for name, _spec, _conversion in fields]
    if set(names) - {"year", "number"} or names.count("number") != 1:
        raise ValidationError(
            _("“%(value)s” needs {number} once and may have {year}; nothing else in braces."),
            params={"value": pattern},
        )
    if any(conversion or not _SPEC.fullmatch(spec or "") for _name, spec, conversion in fields):
        raise ValidationError(
            _("In “%(value)s” only leading zeros can be asked for, as in {number:06}."),
            params={"value": pattern},
        )
    if len(format_number(pattern, year=2000, number=10**9)) > 60:
        raise ValidationError(_("Numbers in this format would be longer than 60 characters."))
