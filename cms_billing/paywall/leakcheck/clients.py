"""How addresses are asked for in this process, as made-up visitors (``over_http`` asks a web server).

Every request is a transaction of its own that is rolled back, so that nothing a view writes (a basket,
a search term, the made-up user itself) stays, and nothing waits for the check: no mail, task or signal after commit
goes out. Mail that is sent directly ends nowhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.base import BaseHandler
from django.core.signals import request_finished
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections, transaction
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import translation

from .findings import Kind
from .visitors import Visitor

# As much of an answer is looked at.
MOST_BYTES = 4_000_000
AGENT = "cms-billing-leakcheck"


@dataclass(frozen=True)
class Probe:
    """One address to ask for. ``page_id``: the page that it is about; ``variant``: another way of asking, tried by
    those who may not read that page and are bold (``Visitor.bold``).

    ``file_of``: the address gives out a file that belongs to these pages: who may read none of them must not get it.
    ``may_have`` says the same by a function of the visitor; ``kind`` is what it then is, and ``is_it`` tells the file
    from whatever else may answer there.
    """

    door: str
    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    page_id: int | None = None
    variant: bool = False
    file_of: tuple[int, ...] = ()
    may_have: Callable[[Visitor], bool] | None = None
    kind: Kind = Kind.FILE
    is_it: Callable[[bytes], bool] | None = None
    # The address that only this person has, made when they ask: a signed link. ``url`` is what findings call it.
    url_for: Callable[[Any], str] | None = None
    # What is no address: HTML as it is made for this person, such as a mail. ``url`` names it.
    text_for: Callable[[Any], str] | None = None

    @property
    def guards(self) -> bool:
        return bool(self.file_of) or self.may_have is not None


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


def written(text: str) -> Answer:
    """A text that goes to one person and into no cache."""
    headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "private, no-store"}
    return Answer(200, text.encode(), headers)


class Headers(dict[str, str]):
    """Whatever the server's spelling of their names; what comes twice is joined."""

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__()
        for name, value in items:
            known = name.title()
            self[known] = f"{self[known]}, {value}" if known in self else value


class Client(Protocol):
    # Is whatever a request changes taken back?
    undoes: bool

    def ask(self, probe: Probe, visitor: Visitor) -> Answer: ...

    def is_own(self, url: str) -> bool:
        """Is this an address of the site that is asked?"""

    def close(self) -> None: ...


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

    undoes = True

    def __init__(self, *, host: str, secure: bool = False) -> None:
        self.host, self.secure = host, secure or bool(settings.SECURE_SSL_REDIRECT)
        self.handler = _Handler()

    def close(self) -> None:
        """Nothing is held open."""

    def is_own(self, url: str) -> bool:
        return urlsplit(url).netloc in ("", self.host)

    def ask(self, probe: Probe, visitor: Visitor) -> Answer:
        try:
            with translation.override(settings.LANGUAGE_CODE), _connections_stay(), _undone():
                return self._answer(probe, visitor)
        except RequestDataTooBig as error:
            return Answer(0, error=str(error))

    def _answer(self, probe: Probe, visitor: Visitor) -> Answer:
        person = visitor.person()
        if visitor.held is not None:
            # Without the signals of saving: nobody is to greet the new user.
            type(person)._default_manager.using(DEFAULT_DB_ALIAS).bulk_create([person])
        if probe.text_for:
            return written(probe.text_for(person))
        if probe.url_for:
            probe = replace(probe, url=probe.url_for(person), url_for=None)
        response = self.handler.answer(self._request(probe, visitor), person)
        try:
            return _read(response)
        finally:
            response.close()

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
        path, _mark, query = path.partition("?")
        # The factory would take what follows two slashes for a host.
        exact: dict[str, Any] = {
            "PATH_INFO": unquote_to_bytes(path or "/").decode("latin-1"),
            "QUERY_STRING": query,
        }
        return factory.generic(probe.method, "/", secure=self.secure, headers=dict(probe.headers), **exact)


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
        headers=Headers(response.items()),
        sets_cookies=bool(response.cookies),
    )


@contextmanager
def _connections_stay() -> Iterator[None]:
    """Whoever closes a response (we do, and middleware that puts another in its place) would close the database's
    connection with it, in the middle of our transaction."""
    request_finished.disconnect(close_old_connections)
    try:
        yield
    finally:
        request_finished.connect(close_old_connections)


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
