"""What Adyen paid out: told by a webhook that names a report, which is fetched with a user of its own."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import date
from urllib.parse import quote

from django.utils.translation import gettext as _

from cms_billing.core.exceptions import BillingError, PermanentFailure

from ..base import AccountRefused
from ..values import Account, PayoutNotice
from .client import Transport, name_of, said
from .reports import NoReport, read_report, report_names
from .told import payments_told
from .webhooks import REPORTS

# A line has some 300 bytes: a hundred thousand movements in one payout.
LARGEST = 30_000_000


def payouts(account: Account, *, since: date, history: Sequence[bytes]) -> Iterator[PayoutNotice]:
    """Those of the reports in the history, oldest first, one file at a time. Raises ProviderDown, AccountRefused."""
    told = [item for item in payments_told(history) if item.event == REPORTS and item.success]
    transport = Transport(account)
    for name in report_names(item.psp for item in told):
        found = read_content(account, _fetched(account, transport, name))
        yield from (payout for payout in found if payout.paid_on is None or payout.paid_on >= since)


def read_content(account: Account, content: bytes) -> list[PayoutNotice]:
    """The payouts of a settlement details report. Raises PermanentFailure for other files."""
    try:
        return read_report(content.decode("utf-8-sig"))
    except (NoReport, UnicodeDecodeError, csv.Error):
        raise PermanentFailure(
            said(account, _("this file is no settlement details report (CSV, all columns)"))
        ) from None
    except BillingError as error:
        raise PermanentFailure(said(account, str(error).rstrip("."))) from None


def _fetched(account: Account, transport: Transport, name: str) -> bytes:
    user, password = (account.secrets.get(key, "") for key in ("REPORT_USER", "REPORT_PASSWORD"))
    if not user or not password:
        raise AccountRefused(
            _("%(account)s has no report user: set REPORT_USER and REPORT_PASSWORD to read its payouts.")
            % {"account": name_of(account)}
        )
    host = "https://ca-live.adyen.com" if account.is_live else "https://ca-test.adyen.com"
    merchant = quote(account.options.get("merchant_account", ""), safe="")
    url = f"{account.api_url.rstrip('/') or host}/reports/download/MerchantAccount/{merchant}/{name}"
    return transport.download(url, user=user, password=password, most=LARGEST)
