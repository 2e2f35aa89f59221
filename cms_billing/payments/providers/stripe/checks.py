"""System checks of Stripe (``cms_billing.E064`` and on): what the settings and the environment alone can tell."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.core.checks import CheckMessage, Error, register

from cms_billing.core import conf

# API version 2026-10-28: the parameters billing sends are those of this release.
OLDEST = (16, 1)
_BEGINNINGS = {"SECRET_KEY": ("sk_test_", "sk_live_", "rk_test_", "rk_live_"), "WEBHOOK_SECRET": ("whsec_",)}


@register("cms_billing")
def stripe_is_installed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if conf.wrong_types() or "stripe" not in conf.billing_settings().providers:
        return []
    try:
        installed = version("stripe")
    except PackageNotFoundError:
        installed = ""
    if tuple(int(part) for part in installed.split(".")[:2] if part.isdigit()) >= OLDEST:
        return []
    what = f"the package is {installed}" if installed else "its package is missing"
    return [
        Error(
            f"CMS_BILLING['PROVIDERS'] lists Stripe, but {what}; version 16.1 is needed.",
            hint="pip install cms-billing[stripe]",
            id="cms_billing.E064",
        )
    ]


@register("cms_billing")
def stripe_secrets_look_like_some(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [] if conf.wrong_types() else list(_odd_secrets())


def _odd_secrets() -> Iterator[CheckMessage]:
    for account, secrets in conf.billing_settings().provider_accounts.items():
        if not account.startswith("stripe/"):
            continue
        for name, beginnings in _BEGINNINGS.items():
            # Several webhook secrets, while one takes over from another.
            given = [part.strip() for part in str(secrets.get(name) or "").split(",") if part.strip()]
            if not all(part.startswith(beginnings) for part in given):
                yield Error(
                    f"CMS_BILLING['PROVIDER_ACCOUNTS'][{account!r}][{name!r}] is none of Stripe's.",
                    hint=f"It begins with {' or '.join(beginnings)}. Copy it again from Stripe's dashboard.",
                    id="cms_billing.E065",
                )
