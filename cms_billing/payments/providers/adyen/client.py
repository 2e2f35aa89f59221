"""Talking to Adyen: the vendor's library over our own session, and what its errors mean here.

The library would use ``requests`` without a session, raise errors that carry our key, and take a web page for an empty
answer. So it gets a transport of ours, which does the talking and raises our own errors.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from django.utils.translation import gettext as _

from cms_billing.core.exceptions import PermanentFailure

from .. import pace
from ..base import AccountRefused, OutcomeUnknown, ProviderDown
from ..values import Account

# Seconds to connect, and to wait for an answer.
TIMEOUTS = (2.0, 20.0)
VERSION = "v72"
APIS = ("payments_api", "modifications_api", "recurring_api")
# What asks only, although it is a POST.
READS = ("/paymentMethods",)
# Adyen is working on a request with this idempotency key at this moment.
IN_PROGRESS = "704"


class Refused(PermanentFailure):
    """Adyen refused the request itself; ``code`` is its error code, ``psp`` its reference of the try."""

    def __init__(self, text: str, *, code: str = "", psp: str = "", status: int = 0) -> None:
        super().__init__(text)
        self.code, self.psp, self.status = code, psp, status


@dataclass(frozen=True)
class Call:
    """One request, for the errors it may end in. ``writes``: asked twice without a key, it would happen twice."""

    account: Account
    writes: bool


class Transport:
    """What the library talks through, in the place of its own ``HTTPClient``."""

    user_agent = "cms-billing"

    def __init__(self, account: Account) -> None:
        self.account = account
        self.session = account.new_session() if account.new_session else requests.Session()

    def request(
        self, method: str, url: str, json: Any = None, headers: Mapping[str, str] | None = None, **auth: str
    ) -> tuple[str, Any, int, Mapping[str, str]]:
        """Raises ProviderDown, OutcomeUnknown, AccountRefused, Refused; what is returned is a JSON object."""
        call = Call(self.account, method == "POST" and not url.endswith(READS))
        sent = {**(headers or {}), "x-api-key": auth["xapikey"]}
        response = self._sent(call, method, url, json=json, headers=sent)
        answer = _read(response)
        if response.status_code >= 300:
            raise error_of(call, response, answer if isinstance(answer, dict) else {})
        if not isinstance(answer, dict):
            raise lost(call, _("its answer is not readable"))
        return response.text or "{}", json, response.status_code, response.headers

    def download(self, url: str, *, user: str, password: str, most: int) -> bytes:
        """A file of at most ``most`` bytes. Raises ProviderDown, AccountRefused."""
        call = Call(self.account, writes=False)
        response = self._sent(call, "GET", url, auth=(user, password), stream=True)
        if response.status_code != 200:
            raise error_of(call, response, {})
        content = b""
        try:
            for chunk in response.iter_content(65536):
                content += chunk
                if len(content) > most:
                    raise ProviderDown(
                        said(self.account, _("a report is larger than %(most)s bytes") % {"most": most})
                    )
        except requests.RequestException:
            raise lost(call, _("the connection broke off")) from None
        return content

    def _sent(self, call: Call, method: str, url: str, **more: Any) -> requests.Response:
        pace.wait(self.account)
        try:
            return self.session.request(method, url, timeout=TIMEOUTS, allow_redirects=False, **more)
        except requests.RequestException as error:
            # The error holds the request, and the request holds the key: nothing of it may go on.
            failure = unreachable(call, error)
        raise failure


def unreachable(call: Call, error: requests.RequestException) -> Exception:
    """Never connected: nothing happened. All else may have been done."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError) or _never_connected(error):
        return ProviderDown(said(call.account, _("it cannot be reached")))
    return lost(call, _("it did not answer in time"))


def _never_connected(error: requests.RequestException) -> bool:
    names = {type(part).__name__ for part in (*error.args, *(getattr(a, "reason", None) for a in error.args))}
    return bool(names & {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"})


def lost(call: Call, what: str) -> Exception:
    text = said(call.account, what)
    return OutcomeUnknown(text) if call.writes else ProviderDown(text)


def said(account: Account, what: str) -> str:
    return _("Adyen (%(account)s): %(what)s.") % {"account": name_of(account), "what": what}


def name_of(account: Account) -> str:
    return f"{account.provider}/{account.slug}"


def error_of(call: Call, response: requests.Response, answer: Mapping[str, Any]) -> Exception:
    """What an answer that is no success means."""
    status, code = response.status_code, str(answer.get("errorCode") or "")
    if status in (401, 403):
        return not_let_in(call.account, status, code)
    if code == IN_PROGRESS:
        return OutcomeUnknown(said(call.account, _("it is still working on this request")))
    if status in (429, 503) or response.headers.get("transient-error", "").lower() == "true":
        return ProviderDown(said(call.account, _("it has no time (status %(status)s)") % {"status": status}))
    if answer.get("errorType") in ("validation", "configuration") or 400 <= status < 500:
        return _refusal(call, status, code, answer)
    return lost(call, _("it failed with status %(status)s") % {"status": status})


def not_let_in(account: Account, status: int, code: str) -> AccountRefused:
    values = {"account": name_of(account), "merchant": account.options.get("merchant_account", "")}
    if code == "901":
        return AccountRefused(
            _("Adyen does not know the merchant account “%(merchant)s” of %(account)s. Correct its name.")
            % values
        )
    if status == 401:
        return AccountRefused(
            _(
                "Adyen does not accept the API key of %(account)s. Check the key, and whether it is one for %(kind)s."
            )
            % {**values, "kind": _("live payments") if account.is_live else _("tests")}
        )
    return AccountRefused(
        _(
            "The API key of %(account)s may not do this for “%(merchant)s”. Give its user the roles that "
            "the documentation names."
        )
        % values
    )


def _refusal(call: Call, status: int, code: str, answer: Mapping[str, Any]) -> Refused:
    what = str(answer.get("message") or _("status %(status)s") % {"status": status})[:150]
    values = {"account": name_of(call.account), "what": what, "code": code}
    text = _("Adyen (%(account)s) refuses the request: %(what)s (%(code)s).") % values
    if code == "138":
        text = _("The account %(account)s does not take this currency.") % values
    elif code in ("137", "14_0422"):
        text = _("Adyen (%(account)s) does not take this amount.") % values
    return Refused(text, code=code, psp=str(answer.get("pspReference") or ""), status=status)


def _read(response: requests.Response) -> Any:
    if not response.content:
        return {}
    try:
        return json.loads(response.content)
    except ValueError:
        return None


class Connection:
    """The library's APIs for one account. Raises AccountRefused where the account is incomplete."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.transport = Transport(account)
        self.merchant_account = self._required_option(
            "merchant_account", _("Enter the merchant account of %(account)s.")
        )
        self._checkout = self._made()

    def call(self, api: str, name: str, *args: Any, **more: Any) -> dict[str, Any]:
        """The answer of ``checkout.<api>.<name>``; its errors are those of ``Transport.request``."""
        function: Callable[..., Any] = getattr(getattr(self._checkout, api), name)
        result = function(*args, **more)
        return result.message

    def _made(self) -> Any:
        try:
            from Adyen import Adyen
        except ImportError:
            raise AccountRefused(_("The package “Adyen” is missing: install cms-billing[adyen].")) from None
        key = self.account.secrets.get("API_KEY", "")
        if not key:
            raise AccountRefused(
                _("The API key of %(account)s is missing. Set API_KEY in the settings or the environment.")
                % {"account": name_of(self.account)}
            )
        elsewhere = self.account.api_url.rstrip("/")
        live = self.account.is_live and not elsewhere
        prefix = (
            self._required_option("endpoint_prefix", _("Enter the live endpoint prefix of %(account)s."))
            if live
            else None
        )
        adyen = Adyen(xapikey=key, platform="live" if live else "test", live_endpoint_prefix=prefix)
        adyen.client.http_client, adyen.client.http_init = self.transport, True
        if elsewhere:
            for api in APIS:
                getattr(adyen.checkout, api).baseUrl = f"{elsewhere}/{VERSION}"
        return adyen.checkout

    def _required_option(self, name: str, complaint: str) -> str:
        value = self.account.options.get(name, "").strip()
        if not value:
            raise AccountRefused(complaint % {"account": name_of(self.account)})
        return value
