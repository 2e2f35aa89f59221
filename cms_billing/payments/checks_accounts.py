"""System checks of the accounts at providers that an editor set up. All need the database, and only warn.

Errors among the database checks would stop ``migrate``, which is what brings the columns that newer code asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connections

from cms_billing.core.conf import billing_settings, wrong_types

from .credentials import missing_secrets, variable
from .models import ProviderAccount
from .providers import UnknownProvider

Check = Callable[[ProviderAccount], Iterator[CheckMessage]]


@register(Tags.database)
def accounts_can_be_used(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    return _of_all(databases, _can_be_used)


@register(Tags.database, deploy=True)
def accounts_move_real_money(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    return _of_all(databases, _is_live)


def _of_all(databases: Sequence[str] | None, check: Check) -> list[CheckMessage]:
    if not databases or "default" not in databases or wrong_types():
        return []
    table = ProviderAccount._meta.db_table
    if table not in connections["default"].introspection.table_names():
        return []
    # Named one by one: a check runs before the migration that brings a newer column.
    accounts = ProviderAccount.objects.active().only("provider", "slug", "is_live").order_by("pk")
    return [message for account in accounts for message in check(account)]


def _can_be_used(account: ProviderAccount) -> Iterator[CheckMessage]:
    name = f"{account.provider}/{account.slug}"
    try:
        missing = [secret.name for secret in missing_secrets(account) if secret.required]
    except (UnknownProvider, ImportError):
        yield Warning(
            f"The account {name} is at a payment provider that CMS_BILLING['PROVIDERS'] does not list.",
            hint="List the provider, or untick “active” on the account's page.",
            id="cms_billing.W081",
        )
        return
    if missing:
        names = ", ".join(variable(account.provider, account.slug, secret) for secret in missing)
        yield Warning(
            f"Secrets of the account {name} are missing: {', '.join(missing)}.",
            hint=f"Set {names} in the environment, or CMS_BILLING['PROVIDER_ACCOUNTS'][{name!r}].",
            id="cms_billing.W082",
        )
    if account.is_live and settings.DEBUG:
        yield Warning(
            f"The account {name} is live while DEBUG is on: real money from a development site.",
            hint="Use a test account here, or switch DEBUG off.",
            id="cms_billing.W083",
        )
    if not billing_settings().site_url:
        yield Warning(
            f"SITE_URL is empty: the provider of {name} would be told a webhook address without a host.",
            hint='Set CMS_BILLING["SITE_URL"] = "https://…".',
            id="cms_billing.W085",
        )


def _is_live(account: ProviderAccount) -> Iterator[CheckMessage]:
    if not account.is_live:
        yield Warning(
            f"The account {account.provider}/{account.slug} is a test account: its payments move no money.",
            hint="Set the live keys and tick “live”, or untick “active”.",
            id="cms_billing.W084",
        )
