"""Asking a web server: what it, its caches and its file server give out, to guests and to whose session keys we have.

A session key is a password for the time being: no message, log or result names one.
"""

from __future__ import annotations

import base64
import re
import ssl
import time
import zlib
from collections.abc import Iterable
from dataclasses import replace
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from importlib import import_module
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, SESSION_KEY
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _

from cms_billing.core.exceptions import BillingError

from .clients import AGENT, MOST_BYTES, Answer, Headers, Probe, written
from .visitors import Visitor

TIMEOUT = 30.0
# Addresses one after the other that got no answer at all: then the server is gone, not the page.
MOST_FAILURES = 10
# What a cookie may hold.
_KEY = re.compile(r"[!#-+\--:<-\[\]-~]+")
_REFUSED = (400, 401, 403, 407, 421, 429)
_PIECE = 65536


class CannotCheck(BillingError):
    """The server cannot be asked: nothing is said about leaks."""


class OverHttp:
    """``base_url``: scheme, host and port, and a name and password where the server asks for one.

    ``stands_for``: the host in the site's own addresses that are asked for at this server. Addresses of further
    Wagtail sites go to the same server under their own host name.
    """

    undoes = False

    def __init__(self, base_url: str, *, stands_for: str = "", timeout: float = TIMEOUT) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise CannotCheck(_("Give the address of the server alone, such as https://www.example.org."))
        self.secure, self.timeout = parts.scheme == "https", timeout
        self.host = parts.netloc.rpartition("@")[2]
        self.origin = f"{parts.scheme}://{self.host}"
        self.stands_for = stands_for
        self.password = _basic(parts.username, parts.password)
        self.failures = 0
        self._open: HTTPConnection | None = None

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open = None

    def is_own(self, url: str) -> bool:
        """Does the address belong to the server that is asked?"""
        return urlsplit(url).netloc in ("", self.host, self.stands_for)

    def ask(self, probe: Probe, visitor: Visitor) -> Answer:
        """The answer, whatever it is; a redirect is not followed. Raises CannotCheck where the server is gone."""
        person = visitor.person()
        if probe.text_for:
            return written(probe.text_for(person))
        if probe.url_for:
            probe = replace(probe, url=probe.url_for(person), url_for=None)
        try:
            answer = self._answer(probe, visitor)
            self.failures = 0
        except (OSError, HTTPException, ValueError, zlib.error) as error:
            self.close()
            answer = Answer(0, error=_said(error, self.timeout))
            self.failures += 1
        if self.failures >= MOST_FAILURES:
            raise CannotCheck(
                _("%(server)s no longer answers: %(error)s") % {"server": self.origin, "error": answer.error}
            )
        return answer

    def _answer(self, probe: Probe, visitor: Visitor) -> Answer:
        reused = self._open is not None
        try:
            return self._over(self._connection(), probe, visitor)
        except ConnectionError:
            if not reused:
                raise
        # The server had closed the connection that was kept.
        self.close()
        return self._over(self._connection(), probe, visitor)

    def _connection(self) -> HTTPConnection:
        if self._open is None:
            kind = HTTPSConnection if self.secure else HTTPConnection
            self._open = kind(self.host, timeout=self.timeout)
        return self._open

    def _over(self, connection: HTTPConnection, probe: Probe, visitor: Visitor) -> Answer:
        parts = urlsplit(probe.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(probe.method, iri_to_uri(target), headers=self._headers(probe, visitor))
        response = connection.getresponse()
        body, whole = self._body(response)
        headers = Headers(response.getheaders())
        if not whole or response.will_close:
            self.close()
        return Answer(
            status=response.status,
            body=_unpacked(body, headers.get("Content-Encoding", "")),
            headers=headers,
            sets_cookies="Set-Cookie" in headers,
        )

    def _headers(self, probe: Probe, visitor: Visitor) -> dict[str, str]:
        host = urlsplit(probe.url).netloc
        headers = {"Host": self.host if self.is_own(probe.url) else host, "User-Agent": AGENT}
        if self.password:
            headers["Authorization"] = self.password
        if visitor.cookie:
            headers["Cookie"] = f"{settings.SESSION_COOKIE_NAME}={visitor.cookie}"
        return {**headers, **dict(probe.headers)}

    def _body(self, response: HTTPResponse) -> tuple[bytes, bool]:
        """As much as is looked at, within the time for one answer; True where that was all."""
        pieces: list[bytes] = []
        size, until = 0, time.monotonic() + self.timeout
        while size < MOST_BYTES:
            piece = response.read1(min(_PIECE, MOST_BYTES - size))
            if not piece:
                # Else the connection would not take another request.
                response.close()
                return b"".join(pieces), True
            pieces.append(piece)
            size += len(piece)
            if time.monotonic() > until:
                raise TimeoutError
        return b"".join(pieces), False

    def greet(self, visitors: Iterable[Visitor]) -> None:
        """Is there a site that can be asked, and does it know these people? Raises CannotCheck."""
        guest = Visitor("guest", "guest")
        answer = self.ask(Probe("start", "/"), guest)
        names = {"server": self.origin, "error": answer.error, "status": answer.status}
        if not answer.status:
            raise CannotCheck(_("%(server)s cannot be reached: %(error)s") % names)
        target = answer.headers.get("Location", "")
        if 300 <= answer.status < 400 and self._leads_away(target):
            parts = urlsplit(target)
            names["other"] = f"{parts.scheme or 'http'}://{parts.netloc}"
            raise CannotCheck(
                _("%(server)s sends everybody to %(other)s. Give that address as --base-url.") % names
            )
        if answer.status in _REFUSED or answer.status >= 500:
            raise CannotCheck(_refusal(answer.status) % names)
        for visitor in visitors:
            if visitor.cookie:
                self._greet_as(visitor)

    def _leads_away(self, target: str) -> bool:
        parts = urlsplit(target)
        if not parts.netloc:
            return False
        return parts.netloc != self.host or (parts.scheme == "http") == self.secure

    def _greet_as(self, visitor: Visitor) -> None:
        """A page of the account: who is logged in gets it, all others are sent to the login."""
        owner = _owner_of(visitor.cookie)
        if owner is not None and owner != str(visitor.user.pk):
            raise CannotCheck(
                _("The session key for %(user)s belongs to somebody else.") % {"user": visitor.label}
            )
        answer = self.ask(Probe("start", reverse("cms_billing:account_arrears")), visitor)
        if answer.status != 200:
            raise CannotCheck(
                _(
                    "%(server)s does not take the session key for %(user)s as a login (answer: %(status)s). Log in "
                    "there again and give the new key."
                )
                % {
                    "server": self.origin,
                    "user": visitor.label,
                    "status": answer.status or answer.error,
                }
            )


def is_session_key(key: str) -> bool:
    """Could it be one? A line break in a cookie would be a header of its own."""
    return _KEY.fullmatch(key) is not None


def _owner_of(key: str) -> str | None:
    """Whose session it is, where this process and the server keep sessions in the same place."""
    store = import_module(settings.SESSION_ENGINE).SessionStore(session_key=key)
    try:
        return store.get(SESSION_KEY) if BACKEND_SESSION_KEY in store else None
    except Exception:  # noqa: BLE001, RUF100  (whatever a store that is not here raises: then the server is asked)
        return None


def _basic(user: str | None, password: str | None) -> str:
    if user is None:
        return ""
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _said(error: Exception, timeout: float) -> str:
    """Why there was no answer. What was sent is not in it: headers hold keys."""
    if isinstance(error, TimeoutError):
        return _("no answer within %(seconds)s seconds") % {"seconds": f"{timeout:g}"}
    if isinstance(error, ssl.SSLCertVerificationError):
        return _("its certificate is not valid (%(why)s)") % {"why": error.verify_message}
    if isinstance(error, ssl.SSLError):
        return _("no secure connection (%(why)s)") % {"why": error.reason or type(error).__name__}
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__


def _refusal(status: int) -> str:
    if status == 401:
        return _(
            "%(server)s asks for a password. Give it in the address: https://name:password@www.example.org."
        )
    if status == 400:
        return _("%(server)s answers “400 Bad Request”: does ALLOWED_HOSTS have its name?")
    return _("%(server)s answers its start page with status %(status)s: nothing can be checked.")


def _unpacked(body: bytes, encoding: str) -> bytes:
    """We ask for plain bytes; some caches send packed ones all the same."""
    encoding = encoding.strip().lower()
    if not body or encoding in ("", "identity"):
        return body
    if encoding in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(wbits=47 if "gzip" in encoding else 15).decompress(body, MOST_BYTES)
    raise UnreadableEncoding


class UnreadableEncoding(HTTPException):
    """The answer is packed in a way that we did not ask for."""
