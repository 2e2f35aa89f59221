"""Passwords and keys of logins at agencies: from the settings or the environment, never from the database.

``CMS_BILLING["COLLECTION_ACCOUNTS"]["kanzlei-nord"] = {"PASSWORD": …}`` or ``{"PRIVATE_KEY": …, "PASSPHRASE": …}``, or
environment variables such as ``CMS_BILLING_COLLECTION_KANZLEI_NORD_PASSWORD``, which the settings overrule.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass, field

import paramiko
from django.utils.translation import gettext as _

from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import PermanentFailure

NAMES = ("PASSWORD", "PRIVATE_KEY", "PASSPHRASE")


class LoginMissing(PermanentFailure):
    """Nobody has set how to log in, or the key cannot be read."""


@dataclass(frozen=True)
class Login:
    password: str = field(default="", repr=False)
    key: paramiko.PKey | None = field(default=None, repr=False)


def variable(slug: str, name: str) -> str:
    return f"CMS_BILLING_COLLECTION_{slug}_{name}".upper().replace("-", "_")


def given(slug: str) -> dict[str, str]:
    configured = billing_settings().collection_accounts.get(slug, {})
    found = {name: str(configured.get(name) or os.environ.get(variable(slug, name), "")) for name in NAMES}
    return {name: value for name, value in found.items() if value.strip()}


def login_of(slug: str) -> Login:
    """Raises LoginMissing, which names what to set and never shows it."""
    secrets = given(slug)
    if "PRIVATE_KEY" in secrets:
        return Login(key=_private_key(slug, secrets["PRIVATE_KEY"], secrets.get("PASSPHRASE")))
    if "PASSWORD" in secrets:
        return Login(password=secrets["PASSWORD"])
    raise LoginMissing(
        _("There is no login for “%(slug)s”. Set %(password)s or %(key)s.")
        % {
            "slug": slug,
            "password": variable(slug, "PASSWORD"),
            "key": variable(slug, "PRIVATE_KEY"),
        }
    )


def _private_key(slug: str, text: str, passphrase: str | None) -> paramiko.PKey:
    kinds: tuple[Callable[..., paramiko.PKey], ...] = (
        paramiko.Ed25519Key.from_private_key,
        paramiko.ECDSAKey.from_private_key,
        paramiko.RSAKey.from_private_key,
    )
    # Environment variables often cannot hold line breaks.
    text = text.strip().replace("\\n", "\n") + "\n"
    for read in kinds:
        try:
            return read(io.StringIO(text), password=passphrase)
        except (paramiko.SSHException, ValueError, TypeError):
            continue
    raise LoginMissing(
        _("%(name)s holds no private key that can be read with the passphrase given.")
        % {"name": variable(slug, "PRIVATE_KEY")}
    )
