"""Who we are at Stripe."""

from __future__ import annotations

from django.utils.translation import gettext as _

from ..base import AccountRefused
from ..values import Probed
from .client import Api
from .keys import webhook_secrets
from .notices import at


def probe(api: Api) -> Probed:
    """Raises AccountRefused, ProviderDown."""
    account = api.read(lambda v1: v1.accounts.retrieve_current())
    if account is None:
        raise AccountRefused(
            _("Stripe knows no account behind the secret key of %(account)s.") % {"account": api.name}
        )
    name = at(account, "settings", "dashboard", "display_name") or at(account, "business_profile", "name")
    details = [
        account.id,
        _("Takes payments: %(answer)s") % {"answer": _yes_or_no(at(account, "charges_enabled"))},
        _("Pays out: %(answer)s") % {"answer": _yes_or_no(at(account, "payouts_enabled"))},
    ]
    if not webhook_secrets(api.account):
        details.append(_("The webhook secret is missing: news of payments cannot come in."))
    return Probed(name=name or account.id, is_live=api.account.is_live, details=details)


def _yes_or_no(answer: object) -> str:
    return _("yes") if answer else _("no")
