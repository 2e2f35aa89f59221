"""Secrets of accounts at providers: from the settings or the environment, never from the database.

``CMS_BILLING["PROVIDER_ACCOUNTS"]["stripe/main"] = {"SECRET_KEY": …, "WEBHOOK_SECRET": …}``, or environment variables
such as ``CMS_BILLING_STRIPE_MAIN_SECRET_KEY``, which the settings overrule. Besides the secrets a provider asks for,
``API_URL`` points it at another address, and ``SESSION`` is the dotted path to a function that makes the
``requests.Session`` to talk with.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

from cms_billing.core.conf import billing_settings
from cms_billing.core.copies import require_original

from .providers import Account, Provider, Secret, get_provider

if TYPE_CHECKING:
    from .models import Payment, PaymentMethod, ProviderAccount, Refund, WebhookEvent

OWN_KEYS = ("API_URL", "SESSION")


def given(provider: str, slug: str, names: tuple[str, ...]) -> dict[str, str]:
    """Those of ``names`` that are set for the account, by name."""
    configured: Mapping[str, Any] = billing_settings().provider_accounts.get(f"{provider}/{slug}", {})
    found = {
        name: str(configured.get(name) or os.environ.get(variable(provider, slug, name), ""))
        for name in names
    }
    return {name: value.strip() for name, value in found.items() if value.strip()}


def variable(provider: str, slug: str, name: str) -> str:
    """The environment variable of a secret, such as ``CMS_BILLING_STRIPE_MAIN_SECRET_KEY``."""
    return f"CMS_BILLING_{provider}_{slug}_{name}".upper().replace("-", "_")


def missing_secrets(row: ProviderAccount) -> list[Secret]:
    """The secrets that the provider asks for and nobody has set, optional ones too. Raises UnknownProvider."""
    secrets = tuple(getattr(get_provider(row.provider), "secrets", ()))
    found = given(row.provider, row.slug, tuple(secret.name for secret in secrets))
    return [secret for secret in secrets if secret.name not in found]


def tells_payouts(row: ProviderAccount) -> bool:
    """Whether everything is set that the provider needs to tell what it pays out."""
    secrets = getattr(get_provider(row.provider), "secrets", ())
    needed = tuple(secret.name for secret in secrets if secret.for_payouts)
    return len(given(row.provider, row.slug, needed)) == len(needed)


def account_of(row: ProviderAccount) -> Account:
    """What the provider is made with: the row and its secrets. Missing secrets are left out; the provider says so."""
    names = tuple(secret.name for secret in getattr(get_provider(row.provider), "secrets", ()))
    own = given(row.provider, row.slug, OWN_KEYS)
    return Account(
        provider=row.provider,
        slug=row.slug,
        issuer_id=row.issuer_id,
        is_live=row.is_live,
        options={"merchant_account": row.merchant_account, "endpoint_prefix": row.endpoint_prefix},
        secrets=given(row.provider, row.slug, names),
        api_url=own.get("API_URL", ""),
        new_session=import_string(own["SESSION"]) if "SESSION" in own else None,
        requests_per_second=row.requests_per_second,
        before_request=require_original,
    )


def provider_for(row: ProviderAccount) -> Provider:
    """The provider, let into this account. Raises UnknownProvider."""
    return get_provider(row.provider, account_of(row))


def provider_of(row: Payment | PaymentMethod | Refund | WebhookEvent) -> Provider:
    """The provider of a payment, method, refund or event, in its account where it has one. Raises UnknownProvider."""
    return provider_for(row.account) if row.account_id and row.account else get_provider(row.provider)
