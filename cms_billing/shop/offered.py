"""The ways to pay that the checkout offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from cms_billing.payments.providers import all_providers


@dataclass(frozen=True)
class OfferedMethod:
    code: str
    label: Any
    description: Any


_DESCRIPTIONS = {
    "bank_transfer": _("You get an invoice by e-mail and transfer the amount."),
}


def offered_methods() -> list[OfferedMethod]:
    """Providers a buyer can choose without further ado.

    A provider that needs a page of its own says ``offered_at_checkout = True`` once it has one; until then providers
    that collect by themselves are not offered.
    """
    return [
        OfferedMethod(
            provider.code,
            provider.label,
            getattr(provider, "checkout_description", _DESCRIPTIONS.get(provider.code, "")),
        )
        for provider in all_providers().values()
        if getattr(provider, "offered_at_checkout", not provider.capabilities.charges)
    ]


def label_of(code: str) -> Any:
    return next((method.label for method in offered_methods() if method.code == code), code)
