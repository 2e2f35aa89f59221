"""Mollie's client library with our timeouts and pace, its failures told as ours.

Only imported once an account is used: it needs the library.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from mollie.api.client import Client
from mollie.api.error import RequestError
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from ..base import OutcomeUnknown, ProviderDown
from ..pace import wait
from ..values import Account
from . import problems

# Seconds to connect, and to wait for an answer.
TIMEOUTS = (2, 20)
# The most that Mollie lists at once.
LIST_LIMIT = 250
_NEVER_SENT = (NewConnectionError, ConnectTimeoutError)


class MollieClient(Client):
    """Asks in the name of one account. Refusals of a request (400, 404, 409, 410, 422) stay the library's errors."""

    def __init__(self, account: Account, *, key: str) -> None:
        super().__init__(api_endpoint=account.api_url, timeout=TIMEOUTS, retry=0)
        self.account = account
        self.api_key = key
        self._client = account.new_session() if account.new_session else _session()

    def perform_http_call(
        self,
        http_method: str,
        path: str,
        data: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
        idempotency_key: str = "",
    ) -> requests.Response:
        """Raises ProviderDown, OutcomeUnknown (writes only), AccountRefused."""
        wait(self.account)
        problem: Exception | None = None
        try:
            response = super().perform_http_call(http_method, path, data, params, idempotency_key)
        except RequestError as error:
            problem = self._lost(error.__context__, writes=http_method != "GET")
        # Outside the handler: the library's error knows the request with its key, ours must not lead to it.
        if problem is not None:
            raise problem
        self._examine(response, http_method)
        return response

    def _lost(self, cause: BaseException | None, *, writes: bool) -> Exception:
        if writes and not _was_never_sent(cause):
            return OutcomeUnknown(problems.no_answer(self.account))
        return ProviderDown(problems.not_reached(self.account))

    def _examine(self, response: requests.Response, http_method: str) -> None:
        status, writes = response.status_code, http_method != "GET"
        if status in (401, 403):
            raise problems.refused(self.account, status)
        if status in (429, 503):
            raise ProviderDown(problems.not_now(self.account, status))
        answer = _read(response, http_method)
        is_in_progress = status == 409 and "idempotency-key" in str((answer or {}).get("detail", "")).lower()
        if status >= 500 or answer is None or is_in_progress:
            text = problems.unreadable(self.account, status)
            raise OutcomeUnknown(text) if writes else ProviderDown(text)


class _Sessions(threading.local):
    """One session a thread, so that connections are used again; a forked process begins with its own."""

    process: int = 0
    session: requests.Session | None = None


_sessions = _Sessions()


def _session() -> requests.Session:
    if _sessions.session is None or _sessions.process != os.getpid():
        _sessions.process, _sessions.session = os.getpid(), requests.Session()
        # Accounts share the connections, and nothing else.
        _sessions.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return _sessions.session


def every(listing: Any) -> Iterator[Any]:
    """All objects of a list, page by page."""
    while listing is not None:
        yield from listing
        listing = listing.get_next()


def _was_never_sent(cause: BaseException | None) -> bool:
    """No connection came about: refused, unknown host, or no answer to the first packet."""
    if isinstance(cause, requests.ConnectTimeout):
        return True
    reason = cause.args[0] if isinstance(cause, requests.ConnectionError) and cause.args else None
    return isinstance(reason, MaxRetryError) and isinstance(reason.reason, _NEVER_SENT)


def _read(response: requests.Response, http_method: str) -> dict[str, Any] | None:
    """The answer as Mollie gives one, or None where it is none: a web page, half an answer, somebody else's."""
    if response.status_code == 204:
        return {}
    try:
        answer = response.json()
    except ValueError:
        return None
    if not isinstance(answer, dict):
        return None
    if response.status_code >= 400:
        return answer if "status" in answer and "detail" in answer else None
    return answer if "id" in answer or (http_method == "GET" and "_embedded" in answer) else None
