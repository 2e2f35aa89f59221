"""What kinds of payment methods are called: ours, and those that only a provider's page knows."""

from __future__ import annotations

from collections.abc import Iterable

from .models import PaymentMethod
from .providers import Provider

# Names of brands are the same in every language.
_BRANDS = {
    "ideal": "iDEAL",
    "bancontact": "Bancontact",
    "eps": "eps",
    "giropay": "Giropay",
    "klarna": "Klarna",
    "applepay": "Apple Pay",
    "apple_pay": "Apple Pay",
    "googlepay": "Google Pay",
    "google_pay": "Google Pay",
    "twint": "TWINT",
    "blik": "BLIK",
    "przelewy24": "Przelewy24",
    "p24": "Przelewy24",
    "belfius": "Belfius",
    "kbc": "KBC",
}


def name_of_kind(kind: str) -> str:
    """Such as “SEPA direct debit” or “iDEAL”, in the active language."""
    if kind in PaymentMethod.Kind.values:
        return str(PaymentMethod.Kind(kind).label)
    return _BRANDS.get(kind, kind.replace("_", " "))


def kinds_of(provider: Provider) -> list[str]:
    """All that the provider can take, first payments before repeated ones, each once."""
    known: Iterable[str] = (*provider.capabilities.first_kinds, *provider.capabilities.repeated_kinds)
    return list(dict.fromkeys(known))
