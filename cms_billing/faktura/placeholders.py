"""The placeholders of mail texts: what there is, what was mistyped, and putting the values in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

PLACEHOLDERS = ("name", "number", "date", "amount", "due_date", "open_amount", "issuer", "payment_link")

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# A line with this placeholder is left out where there is no payment page.
_LINK = "{payment_link}"


def unknown_placeholders(text: str) -> list[str]:
    return sorted({name for name in _PLACEHOLDER.findall(text) if name not in PLACEHOLDERS})


def validate_placeholders(text: str) -> None:
    """Raises ValidationError that names what an editor has mistyped, and what there is."""
    if unknown := unknown_placeholders(text):
        raise ValidationError(
            _("There is no placeholder %(unknown)s. You can use: %(known)s."),
            code="unknown_placeholder",
            params={
                "unknown": ", ".join(f"{{{name}}}" for name in unknown),
                "known": ", ".join(f"{{{name}}}" for name in PLACEHOLDERS),
            },
        )


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put the values in, once: a customer called “{iban}” stays one. What is no placeholder stays as it is."""
    if not values.get("payment_link"):
        text = "\n".join(line for line in text.split("\n") if _LINK not in line)
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)
