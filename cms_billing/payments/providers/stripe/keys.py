"""What an account's keys look like, judged before anybody is asked."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from ..base import AccountRefused
from ..values import Account

SECRET_KEY = "SECRET_KEY"
WEBHOOK_SECRET = "WEBHOOK_SECRET"

# Secret keys (sk_…) and restricted ones (rk_…), for real money or for tests.
_KEY = re.compile(r"^(?:sk|rk)_(live|test)_\w+$")


def name_of(account: Account) -> str:
    return f"{account.provider}/{account.slug}"


def secret_key(account: Account) -> str:
    """The key to ask with. Raises AccountRefused where it is missing, no secret key, or of the other mode."""
    key = account.secrets.get(SECRET_KEY, "")
    values = {"account": name_of(account), "where": where_to_set(account, SECRET_KEY)}
    if not key:
        raise AccountRefused(_("Stripe account %(account)s has no secret key. Set %(where)s.") % values)
    found = _KEY.match(key)
    if found is None:
        raise AccountRefused(
            _(
                "What is set as secret key of Stripe account %(account)s is none: it begins with sk_ or rk_. "
                "Copy it again from Stripe's dashboard into %(where)s."
            )
            % values
        )
    if (found[1] == "live") != account.is_live:
        raise AccountRefused(_WRONG_MODE[account.is_live]() % values)
    return key


def _test_key_on_live() -> str:
    return _(
        "Stripe account %(account)s is live, but its secret key is a test key: no money would move. "
        "Put the live key into %(where)s."
    )


def _live_key_on_test() -> str:
    return _(
        "Stripe account %(account)s is not live, but its secret key is: real money would move. "
        "Put a test key into %(where)s, or mark the account as live."
    )


_WRONG_MODE = {True: _test_key_on_live, False: _live_key_on_test}


def webhook_secrets(account: Account) -> list[str]:
    """Several, separated by commas, while one takes over from another."""
    return [part.strip() for part in account.secrets.get(WEBHOOK_SECRET, "").split(",") if part.strip()]


def where_to_set(account: Account, name: str) -> str:
    from ...credentials import variable

    return (
        f"CMS_BILLING['PROVIDER_ACCOUNTS']['{name_of(account)}']['{name}'] / "
        f"{variable(account.provider, account.slug, name)}"
    )
