"""The ways to pay that the checkout offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from cms_billing.payments.kinds import name_of_kind
from cms_billing.payments.models import PaymentMethod, ProviderAccount
from cms_billing.payments.providers import Provider, all_providers

from .exceptions import NoIssuer
from .selectors import issuers_of_basket


@dataclass(frozen=True)
class OfferedMethod:
    """``account`` is the one whose hosted page takes the money; None: no page is needed."""

    code: str
    label: Any
    description: Any
    account: ProviderAccount | None = None


_DESCRIPTIONS = {
    "bank_transfer": _("You get an invoice by e-mail and transfer the amount."),
}


def offered_methods(basket: Any) -> list[OfferedMethod]:
    """What a buyer of this basket can choose: providers without a page, and accounts that have one."""
    return [*_without_page(), *_with_page(basket)]


def _without_page() -> list[OfferedMethod]:
    """A provider that needs a page of its own says ``offered_at_checkout = True`` once the site has one."""
    return [
        OfferedMethod(
            provider.code,
            provider.label,
            getattr(provider, "checkout_description", _DESCRIPTIONS.get(provider.code, "")),
        )
        for provider in all_providers().values()
        if getattr(provider, "offered_at_checkout", not provider.capabilities.charges)
    ]


def _with_page(basket: Any) -> list[OfferedMethod]:
    """Active accounts of the basket's one issuer; the money of a page goes to one issuer, so several have none."""
    issuers = _issuers(basket)
    if len(issuers) != 1:
        return []
    providers = all_providers()
    accounts = ProviderAccount.objects.active().filter(issuer__in=issuers, provider__in=providers)
    return [
        OfferedMethod(
            code_of(account),
            account.title or providers[account.provider].label,
            kinds_text(account, providers),
            account,
        )
        for account in accounts.order_by("pk")
        if has_page(providers[account.provider], basket.currency)
    ]


def has_page(provider: Provider, currency: str) -> bool:
    """Providers that take only some currencies name them in ``currencies``."""
    currencies = getattr(provider, "currencies", ())
    return provider.capabilities.pages and (not currencies or currency in currencies)


def pages_are_split(basket: Any) -> bool:
    """Would there be a page, were it not for several issuers in one basket?"""
    issuers = _issuers(basket)
    if len(issuers) < 2:
        return False
    codes = [code for code, provider in all_providers().items() if provider.capabilities.pages]
    return ProviderAccount.objects.active().filter(issuer__in=issuers, provider__in=codes).exists()


def code_of(account: ProviderAccount) -> str:
    """Such as ``stripe:main``."""
    return f"{account.provider}:{account.slug}"


def kinds_text(account: ProviderAccount, providers: Mapping[str, Provider]) -> str:
    """Such as "Card, SEPA direct debit, iDEAL", in the active language."""
    kinds = account.kinds or providers[account.provider].capabilities.first_kinds
    return capfirst(", ".join(name_of_kind(kind) for kind in kinds if kind != PaymentMethod.Kind.OTHER))


def chosen_method(code: str | None, basket: Any) -> OfferedMethod | None:
    return next((method for method in offered_methods(basket) if method.code == code), None)


def _issuers(basket: Any) -> set[int]:
    try:
        return issuers_of_basket(basket)
    except NoIssuer:
        # The order's own page says so; until it is mended nobody could take the money.
        return set()
