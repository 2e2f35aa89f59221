"""How addresses are asked for: in this process as made-up visitors, or over HTTP as a guest or with given sessions.

In this process every request is a transaction of its own that is rolled back, so that nothing a view writes (a basket,
a search term, the made-up user itself) stays, and nothing waits for the check: no mail, task or signal after commit
goes out. Mail that is sent directly ends nowhere.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from typing import Any, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.base import BaseHandler
from django.core.signals import request_finished
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections, transaction
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import translation

from .visitors import Visitor

# As much of an answer is looked at.
MOST_BYTES = 4_000_000
AGENT = "cms-billing-leakcheck"


@dataclass(frozen=True)
class Probe:
    """One address to ask for. ``page_id``: the closed page that it is about; ``variant``: another way of
    asking for it, tried by those who may not read it and are bold (``Visitor.bold``).

    ``file_of``: the address gives out a file that belongs to these pages: who may read none of them must not get it.
    ``may_have`` says the same of a file by a function of the visitor.
    """

    door: str
    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    page_id: int | None = None
    variant: bool = False
    file_of: tuple[int, ...] = ()
    may_have: Any = None


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    sets_cookies: bool = False

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "")

    @property
    def cache_control(self) -> str:
        return self.headers.get("Cache-Control", "")


class Client(Protocol):
    def ask(self, probe: Probe, visitor: Visitor) -> Answer: ...


class _Handler(BaseHandler):
    """The site's middleware and views, with a user who needs no session."""

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware()

    def answer(self, request: HttpRequest, person: Any) -> Any:
        # Where authentication keeps the user of a session; it looks there first.
        request._cached_user = person  # type: ignore[attr-defined]
        request._acached_user = person  # type: ignore[attr-defined]
        return self.get_response(request)


class InProcess:
    """Asks this very process. ``host`` is used where an address names none."""

    def __init__(self, *, host: str, secure: bool = False) -> None:
        self.host, self.secure = host, secure or bool(settings.SECURE_SSL_REDIRECT)
        self.handler = _Handler()

    def ask(self, probe: Probe, visitor: Visitor) -> Answer:
        try:
            with translation.override(settings.LANGUAGE_CODE), _undone():
                return self._answer(probe, visitor)
        except RequestDataTooBig as error:
            return Answer(0, error=str(error))

    def _answer(self, probe: Probe, visitor: Visitor) -> Answer:
        person = visitor.person()
        if visitor.held is not None:
            # Without the signals of saving: nobody is to greet the new user.
            type(person)._default_manager.using(DEFAULT_DB_ALIAS).bulk_create([person])
        response = self.handler.answer(self._request(probe, visitor), person)
        try:
            return _read(response)
        finally:
            _close(response)

    def _request(self, probe: Probe, visitor: Visitor) -> HttpRequest:
        parts = urlsplit(probe.url)
        host = parts.netloc or self.host
        name, _colon, port = host.partition(":")
        path = probe.url[probe.url.index(parts.netloc) + len(parts.netloc) :] if parts.netloc else probe.url
        factory = RequestFactory(
            SERVER_NAME=name,
            SERVER_PORT=port or ("443" if self.secure else "80"),
            HTTP_HOST=host,
            HTTP_USER_AGENT=AGENT,
        )
        if not visitor.is_guest:
            # A session that is not there: the paywall takes who sends no cookie for a guest.
            factory.cookies[settings.SESSION_COOKIE_NAME] = "leakcheck"
        return factory.generic(probe.method, path or "/", secure=self.secure, headers=dict(probe.headers))


@contextmanager
def _undone() -> Iterator[None]:
    """Whatever is written to any database is taken back."""
    with ExitStack() as stack:
        for alias in connections:
            if connections[alias].settings_dict.get("ENGINE") == "django.db.backends.dummy":
                continue
            stack.enter_context(transaction.atomic(using=alias))
            stack.callback(transaction.set_rollback, True, using=alias)
        yield


def _read(response: Any) -> Answer:
    body = b""
    if response.streaming:
        if not response.is_async:
            for chunk in response.streaming_content:
                body += chunk
                if len(body) > MOST_BYTES:
                    break
    else:
        body = response.content
    return Answer(
        status=response.status_code,
        body=body[:MOST_BYTES],
        headers=dict(response.items()),
        sets_cookies=bool(response.cookies),
    )


def _close(response: Any) -> None:
    """Files and generators, but not the database's connection: the transaction around this is still open."""
    request_finished.disconnect(close_old_connections)
    try:
        response.close()
    finally:
        request_finished.connect(close_old_connections)


class OverHttp:
    """Asks a web server: what it, its caches and its file server give out."""

    def __init__(self, base_url: str, *, timeout: float = 30) -> None:
        self.base = urlsplit(base_url)
        self.timeout = timeout

    def ask(self, probe: Probe, visitor: Visitor) -> Answer:
        parts = urlsplit(probe.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        kind = HTTPSConnection if self.base.scheme == "https" else HTTPConnection
        connection = kind(self.base.netloc, timeout=self.timeout)
        headers = {"User-Agent": AGENT, **dict(probe.headers)}
        if visitor.cookie:
            headers["Cookie"] = f"{settings.SESSION_COOKIE_NAME}={visitor.cookie}"
        try:
            connection.request(probe.method, path, headers=headers)
            response = connection.getresponse()
            return Answer(
                status=response.status,
                body=response.read(MOST_BYTES),
                headers=dict(response.getheaders()),
                sets_cookies=response.getheader("Set-Cookie") is not None,
            )
        except OSError as error:
            return Answer(0, error=str(error))
        finally:
            connection.close()


@contextmanager
def quiet_site() -> Iterator[None]:
    """No mail, and no log of the many refusals that the check provokes."""
    loggers = [
        logging.getLogger(name) for name in ("django.request", "django.security", "cms_billing.paywall")
    ]
    backend, levels = settings.EMAIL_BACKEND, [logger.level for logger in loggers]
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        settings.EMAIL_BACKEND = backend
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
