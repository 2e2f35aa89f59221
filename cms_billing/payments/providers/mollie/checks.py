"""System checks of a site that lists Mollie. Keys are judged by their form; none is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from django.core.checks import CheckMessage, Error

from cms_billing.core.conf import billing_settings

from .problems import ACCESS_TOKEN, API_KEY, KEY_FORM, TOKEN_FORM

IDS = ("cms_billing.E066", "cms_billing.E067", "cms_billing.E068")
_OLDEST_LIBRARY = 4


def messages() -> Iterator[CheckMessage]:
    installed = _installed()
    if installed is None or int(installed.partition(".")[0]) < _OLDEST_LIBRARY:
        yield Error(
            f"Mollie is listed in CMS_BILLING['PROVIDERS'], and its client library is {installed or 'not installed'}.",
            hint='pip install "cms-billing[mollie]"',
            id="cms_billing.E066",
        )
    for name, secrets in billing_settings().provider_accounts.items():
        if name.startswith("mollie/"):
            yield from _wrong(name, API_KEY, str(secrets.get(API_KEY, "")).strip(), KEY_FORM)
            yield from _wrong(name, ACCESS_TOKEN, str(secrets.get(ACCESS_TOKEN, "")).strip(), TOKEN_FORM)


def _wrong(account: str, name: str, value: str, form: re.Pattern[str]) -> Iterator[CheckMessage]:
    if not value or form.fullmatch(value):
        return
    if name == API_KEY:
        yield Error(
            f"The {API_KEY} of {account} is none of Mollie's.",
            hint="It begins with “live_” or “test_”; see Mollie's dashboard, Developers, API keys.",
            id="cms_billing.E067",
        )
    else:
        yield Error(
            f"The {ACCESS_TOKEN} of {account} is none of Mollie's.",
            hint="It begins with “access_”; see Mollie's dashboard, Developers, Organization access tokens.",
            id="cms_billing.E068",
        )


def _installed() -> str | None:
    try:
        return version("mollie-api-python")
    except PackageNotFoundError:
        return None
