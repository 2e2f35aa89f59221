"""System checks of a site that lists Adyen. Secrets are judged by their form; none is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.core.checks import CheckMessage, Error

from cms_billing.core.conf import billing_settings

from .webhooks import split_keys

OLDEST = 16
HMAC_KEY = re.compile(r"[0-9A-Fa-f]{64}")
_PAIRS = (("WEBHOOK_USER", "WEBHOOK_PASSWORD"), ("REPORT_USER", "REPORT_PASSWORD"))


def messages() -> Iterator[CheckMessage]:
    installed = _installed()
    if installed is None or int(installed.partition(".")[0]) < OLDEST:
        yield Error(
            f"Adyen is listed in CMS_BILLING['PROVIDERS'], and its library is {installed or 'not installed'}.",
            hint='pip install "cms-billing[adyen]"',
            id="cms_billing.E070",
        )
    for name, secrets in billing_settings().provider_accounts.items():
        if name.startswith("adyen/"):
            yield from _odd_secrets(name, secrets)


def _odd_secrets(account: str, secrets: Mapping[str, Any]) -> Iterator[CheckMessage]:
    keys = split_keys(str(secrets.get("WEBHOOK_HMAC_KEY") or ""))
    if not all(HMAC_KEY.fullmatch(key) for key in keys):
        yield Error(
            f"The WEBHOOK_HMAC_KEY of {account} is none of Adyen's.",
            hint="It has 64 hexadecimal digits; several are separated by spaces. See Developers, Webhooks.",
            id="cms_billing.E071",
        )
    for user, password in _PAIRS:
        if bool(secrets.get(user)) != bool(secrets.get(password)):
            yield Error(
                f"Of {user} and {password} of {account} only one is set.",
                hint="Set both, or none.",
                id="cms_billing.E072",
            )


def _installed() -> str | None:
    try:
        return version("Adyen")
    except PackageNotFoundError:
        return None
