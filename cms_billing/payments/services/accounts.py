"""Accounts at providers: whether they let us in, and what is wrong where they do not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError

from .. import exceptions as errors
from ..credentials import given, missing_secrets, provider_for, variable
from ..models import ProviderAccount
from ..providers import AccountRefused, Probed, get_provider

logger = logging.getLogger(__name__)

# A person who presses the button in a row asks the provider no more often than that.
BETWEEN_TESTS = timedelta(seconds=10)


@dataclass(frozen=True)
class AccountProbe:
    """What a test of the connection found. ``problem`` is empty where the account may be used as it is."""

    found: Probed | None
    problem: str


def probe_account(*, account: ProviderAccount, now: datetime) -> AccountProbe:
    """Ask the provider who we are there, and remember what is wrong. Not inside a transaction.

    Raises TestedJustNow where the last test was a moment ago.
    """
    _take_turn(account, now)
    found, problem = None, _missing(account)
    if not problem:
        found, problem = _probe(account)
    if found is not None:
        problem = _wrong_mode(account, found)
    note_problem(account_id=account.pk, problem=problem, now=now)
    return AccountProbe(found, problem)


@transaction.atomic
def _take_turn(account: ProviderAccount, now: datetime) -> None:
    last_test = Q(checked_at=None) | Q(checked_at__lte=now - BETWEEN_TESTS) | Q(checked_at__gt=now)
    if not ProviderAccount.objects.filter(last_test, pk=account.pk).update(checked_at=now):
        raise errors.tested_just_now()


def _probe(account: ProviderAccount) -> tuple[Probed | None, str]:
    try:
        return provider_for(account).probe(), ""  # type: ignore[attr-defined]
    except BillingError as error:
        return None, without_secrets(str(error), account)
    except Exception as error:
        # The text may hold the request with its key: only the kind is told.
        logger.warning("Testing the account %s/%s: %s", account.provider, account.slug, type(error).__name__)
        problem = _("The provider's answer could not be understood (%(error)s). Try again later.")
        return None, problem % {"error": type(error).__name__}


def _missing(account: ProviderAccount) -> str:
    names = [
        variable(account.provider, account.slug, secret.name)
        for secret in missing_secrets(account)
        if secret.required
    ]
    if not names:
        return ""
    return _("Not set in the environment or in the settings: %(names)s.") % {"names": ", ".join(names)}


def _wrong_mode(account: ProviderAccount, found: Probed) -> str:
    if found.is_live == account.is_live:
        return ""
    if account.is_live:
        return _(
            "The account is marked as live, and the key is a test key: no money would move. Set the live key, or "
            "untick “live”."
        )
    return _(
        "The account is marked as a test account, and the key is a live key: real money would move. Set the test "
        "key, or tick “live”."
    )


@transaction.atomic
def note_problem(*, account_id: int, problem: str, now: datetime) -> None:
    """What keeps the account from being used; an empty text: it works again."""
    ProviderAccount.objects.filter(pk=account_id).update(
        problem=problem[:2000], problem_at=now if problem else None
    )


def without_secrets(text: str, account: ProviderAccount) -> str:
    """``text`` with every secret of the account blacked out, should a provider ever repeat one."""
    names = tuple(secret.name for secret in getattr(get_provider(account.provider), "secrets", ()))
    for secret in given(account.provider, account.slug, names).values():
        text = text.replace(secret, "•••")
    return text


Perform = Callable[[Any], Any]


def _stay_away(row: Any) -> None:
    """Raises AccountRefused while the account has refused somebody just now."""
    account = row.account if row.account_id else None
    if account is None or not account.problem or account.problem_at is None:
        return
    if clock.now() - AccountRefused.wait < account.problem_at <= clock.now():
        raise AccountRefused(account.problem)


def noting_problems(perform: Perform) -> Perform:
    """Outside work of rows with an ``account``: where the provider does not let it in, the account says so.

    It says so until something works again. Meanwhile the provider is not asked: a wrong key must not make ten thousand
    calls. One row tries it again after ``AccountRefused.wait``; a test of the connection that succeeds ends the wait.
    """

    def noting(row: Any) -> Any:
        _stay_away(row)
        try:
            record = perform(row)
        except AccountRefused as refusal:
            if row.account_id:
                note_problem(
                    account_id=row.account_id,
                    problem=without_secrets(str(refusal), row.account),
                    now=clock.now(),
                )
            raise
        if row.account_id and row.account.problem:
            note_problem(account_id=row.account_id, problem="", now=clock.now())
        return record

    return noting
