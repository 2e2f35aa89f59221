"""What can go wrong with Mollie, said to the editor who can mend it. No sentence holds a key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from cms_billing.core.exceptions import BillingError, PermanentFailure
from cms_billing.core.money import Money
from cms_billing.core.texts import amount_text

from ..base import AccountRefused, ProviderDown
from ..values import Account

if TYPE_CHECKING:
    from mollie.api.error import ResponseError

API_KEY, WEBHOOK_SECRET, ACCESS_TOKEN = "API_KEY", "WEBHOOK_SECRET", "ACCESS_TOKEN"
KEY_FORM = re.compile(r"(live|test)_\w+", re.ASCII)
TOKEN_FORM = re.compile(r"access_\w+", re.ASCII)


def api_key(account: Account) -> str:
    """The key of the account, fit for it. Raises AccountRefused before anything is asked."""
    key, values = account.secrets.get(API_KEY, ""), _named(account)
    if not key:
        raise AccountRefused(
            _("The account %(account)s has no API key: set its API_KEY in the settings or the environment.")
            % values
        )
    if not KEY_FORM.fullmatch(key):
        raise AccountRefused(
            _("The API key of %(account)s is none of Mollie's: it begins with “live_” or “test_”.") % values
        )
    if account.is_live and key.startswith("test_"):
        raise AccountRefused(
            _("The account %(account)s is live, but has a test key: enter the key that begins with “live_”.")
            % values
        )
    if not account.is_live and key.startswith("live_"):
        raise AccountRefused(
            _(
                "The account %(account)s is a test account, but has a live key: enter the one that begins with "
                "“test_”, or mark the account as live."
            )
            % values
        )
    return key


def access_token(account: Account) -> str:
    """The organisation's token, which alone may read payouts. Raises AccountRefused."""
    token, values = account.secrets.get(ACCESS_TOKEN, ""), _named(account)
    if not token:
        raise AccountRefused(
            _(
                "The account %(account)s has no organisation access token, so Mollie shows no payouts: create one "
                "with the rights settlements.read, payments.read and refunds.read and set it as ACCESS_TOKEN."
            )
            % values
        )
    if not TOKEN_FORM.fullmatch(token):
        raise AccountRefused(
            _("The access token of %(account)s is none of Mollie's: it begins with “access_”.") % values
        )
    return token


def refused(account: Account, status: int) -> AccountRefused:
    values = _named(account)
    if status == 403:
        return AccountRefused(
            _(
                "Mollie does not allow the account %(account)s to do this: its key lacks a right, or the account is "
                "not activated yet. See the dashboard of Mollie."
            )
            % values
        )
    return AccountRefused(
        _(
            "Mollie refuses the key of the account %(account)s: it was mistyped, replaced or deleted. Copy it from "
            "Mollie's dashboard (Developers, API keys)."
        )
        % values
    )


def payment_refused(account: Account, amount: Money, refusal: ResponseError) -> BillingError:
    """What Mollie found wrong with a payment that was to be made."""
    detail = str(refusal)
    if refusal.field == "webhookUrl":
        return _webhook_unreachable(account, detail)
    if refusal.field == "amount":
        values = {"amount": amount_text(amount), "detail": detail}
        return PermanentFailure(
            _(
                "Mollie does not take %(amount)s (%(detail)s): look up which currencies and smallest amounts it takes."
            )
            % values
        )
    return request_refused(detail)


def _webhook_unreachable(account: Account, detail: str) -> AccountRefused:
    return AccountRefused(
        _(
            "Mollie does not accept the webhook address of %(account)s (%(detail)s): CMS_BILLING['SITE_URL'] has to be "
            "the site's public address."
        )
        % {**_named(account), "detail": detail}
    )


def not_reached(account: Account) -> str:
    return _("Mollie could not be reached for %(account)s.") % _named(account)


def no_answer(account: Account) -> str:
    return _("Mollie gave no answer for %(account)s; the request may have been carried out.") % _named(
        account
    )


def not_now(account: Account, status: int) -> str:
    values = {**_named(account), "status": status}
    return _("Mollie does not answer %(account)s just now (status %(status)s).") % values


def unreadable(account: Account, status: int) -> str:
    values = {**_named(account), "status": status}
    return _("Mollie answered %(account)s with something unreadable (status %(status)s).") % values


def no_method(amount: Money) -> PermanentFailure:
    return PermanentFailure(
        _(
            "None of the methods to choose from is activated at Mollie for %(amount)s: activate one in its dashboard, "
            "or choose others for the account."
        )
        % {"amount": amount_text(amount)}
    )


def nothing_stored_for_nothing() -> PermanentFailure:
    return PermanentFailure(
        _(
            "Mollie stores only cards and PayPal accounts without a payment; a bank account needs a first payment."
        )
    )


def too_many(account: Account) -> ProviderDown:
    return ProviderDown(
        _(
            "Mollie has too many payments for %(account)s to find the one asked for: look for it in the dashboard."
        )
        % _named(account)
    )


def unknown_status(what: str, reference: str, status: object) -> ProviderDown:
    return ProviderDown(
        _(
            "Mollie says “%(status)s” of %(what)s %(reference)s, a status that is not known here: nothing is booked."
        )
        % {"status": status, "what": what, "reference": reference}
    )


def request_refused(detail: str) -> PermanentFailure:
    """A request that can never succeed, in Mollie's words."""
    return PermanentFailure(_("Mollie refuses the request: %(detail)s") % {"detail": detail})


def _named(account: Account) -> dict[str, str]:
    return {"account": f"{account.provider}/{account.slug}"}


def no_account() -> str:
    return _("Mollie is asked for an account, and none was given: choose one under “Accounts at providers”.")


def no_library() -> str:
    return _("Mollie's client library is not installed: pip install “cms-billing[mollie]”.")
