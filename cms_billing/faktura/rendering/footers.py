"""Footer columns as an editor writes them: free text with placeholders of the issuer's data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .data import IssuerData
from .design import DesignData

MEANINGS = {
    "legal_name": gettext_lazy("legal name"),
    "street": gettext_lazy("street and number"),
    "postal_code": gettext_lazy("postal code"),
    "city": gettext_lazy("city"),
    "phone": gettext_lazy("phone"),
    "email": gettext_lazy("e-mail"),
    "website": gettext_lazy("website"),
    "vat_id": gettext_lazy("VAT id"),
    "tax_number": gettext_lazy("tax number"),
    "register_entry": gettext_lazy("register entry"),
    "managing_directors": gettext_lazy("managing directors"),
    "account_holder": gettext_lazy("account holder"),
    "iban": gettext_lazy("IBAN"),
    "bic": gettext_lazy("BIC"),
    "bank_name": gettext_lazy("bank"),
    "creditor_id": gettext_lazy("SEPA creditor id"),
}
_PRINTED: dict[str, Callable[[IssuerData], str]] = {
    "iban": lambda issuer: issuer.printed_iban,
    "website": lambda issuer: issuer.printed_website,
}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def finished(design: DesignData, issuer: IssuerData) -> DesignData:
    """The design with the issuer's data in its footer."""
    if not design.footer_columns and not design.footer_line:
        return design
    values = values_of(issuer)
    return replace(
        design,
        footer_columns=tuple(fill(column, values) for column in design.footer_columns),
        footer_line=fill(design.footer_line, values),
    )


def values_of(issuer: IssuerData) -> dict[str, str]:
    return {
        name: _PRINTED[name](issuer) if name in _PRINTED else str(getattr(issuer, name)) for name in MEANINGS
    }


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put the values in, once. A line whose placeholders are all empty is left out: no “VAT ID:” without one."""
    lines = []
    for line in text.splitlines():
        names = [name for name in _PLACEHOLDER.findall(line) if name in values]
        if not names or any(values[name] for name in names):
            lines.append(_PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), line).strip())
    return "\n".join(lines).strip()


def validate_footer(text: str) -> None:
    """Raises ValidationError that names what was mistyped, and what there is."""
    unknown = sorted({name for name in _PLACEHOLDER.findall(text) if name not in MEANINGS})
    if unknown:
        raise ValidationError(
            _("There is no placeholder %(unknown)s. You can use: %(known)s."),
            code="unknown_placeholder",
            params={
                "unknown": ", ".join(f"{{{name}}}" for name in unknown),
                "known": ", ".join(f"{{{name}}}" for name in MEANINGS),
            },
        )
