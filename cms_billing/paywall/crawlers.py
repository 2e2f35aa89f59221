"""Full texts for the crawlers of search engines: off, unless ``CMS_BILLING["VERIFIED_CRAWLERS"]`` names some.

A user agent proves nothing. A crawler is believed when the name of its address is in its owner's domain and that name
leads back to the address, as Google, Bing and others document. Answers are kept, so that a crawler costs two look-ups
a day; a name server that does not answer in time makes it a guest.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass
from typing import Any, Protocol

from django.core.cache import cache
from django.http import HttpRequest
from django.utils.module_loading import import_string

from cms_billing.core.conf import billing_settings

logger = logging.getLogger("cms_billing.paywall")

SECONDS_TO_ANSWER = 2.0
REMEMBERED, REMEMBERED_NOT = 24 * 3600, 3600


@dataclass(frozen=True)
class Crawler:
    """``words``: one of them is in the user agent of the engine's crawlers. ``domains``: where their names end."""

    words: tuple[str, ...]
    domains: tuple[str, ...]


CRAWLERS = {
    "google": Crawler(("googlebot", "google-inspectiontool"), (".googlebot.com", ".google.com")),
    "bing": Crawler(("bingbot",), (".search.msn.com",)),
    "apple": Crawler(("applebot",), (".applebot.apple.com",)),
    "yandex": Crawler(("yandex",), (".yandex.ru", ".yandex.net", ".yandex.com")),
}


class Resolver(Protocol):
    def name_of(self, address: str) -> str: ...

    def addresses_of(self, name: str) -> set[str]: ...


class SystemResolver:
    """The system's name servers, waited for at most ``SECONDS_TO_ANSWER``; raises OSError."""

    _pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="crawler-dns")

    def name_of(self, address: str) -> str:
        return str(self._in_time(lambda: socket.gethostbyaddr(address)[0]))

    def addresses_of(self, name: str) -> set[str]:
        found = self._in_time(lambda: socket.getaddrinfo(name, None))
        return {str(entry[4][0]) for entry in found}

    def _in_time(self, ask: Callable[[], Any]) -> Any:
        future: Future[Any] = self._pool.submit(ask)
        try:
            return future.result(timeout=SECONDS_TO_ANSWER)
        except TooLate as late:
            future.cancel()
            raise OSError("no name server answered in time") from late


_resolver: Resolver = SystemResolver()


def use_resolver(resolver: Resolver) -> Resolver:
    """Another way to ask name servers; returns the one that was used before."""
    global _resolver
    before, _resolver = _resolver, resolver
    return before


def is_verified_crawler(request: HttpRequest) -> bool:
    """No look-up for anybody whose user agent does not claim to be one of the crawlers that are let in."""
    allowed = billing_settings().verified_crawlers
    if not allowed:
        return False
    agent = request.headers.get("User-Agent", "").lower()
    claimed = [name for name in allowed if name in CRAWLERS and any(w in agent for w in CRAWLERS[name].words)]
    return any(_is_of(name, visitor_address(request)) for name in claimed)


def visitor_address(request: HttpRequest) -> str:
    return str(import_string(billing_settings().visitor_address)(request))


def remote_address(request: HttpRequest) -> str:
    """Who is connected. Behind a proxy that is the proxy: name a function of your own that trusts only that proxy."""
    return str(request.META.get("REMOTE_ADDR", ""))


def _is_of(name: str, address: str) -> bool:
    try:
        address = str(ipaddress.ip_address(address))
    except ValueError:
        return False
    key = f"cms_billing.paywall.crawler.{name}.{address}"
    known = cache.get(key)
    if known is None:
        known = _ask(CRAWLERS[name], address)
        cache.set(key, known, REMEMBERED if known else REMEMBERED_NOT)
    return bool(known)


def _ask(crawler: Crawler, address: str) -> bool:
    try:
        host = _resolver.name_of(address).rstrip(".").lower()
        if not host.endswith(crawler.domains):
            return False
        found = {str(ipaddress.ip_address(entry.split("%")[0])) for entry in _resolver.addresses_of(host)}
    except (OSError, ValueError) as problem:
        logger.info("Crawler at %s not verified: %s", address, problem)
        return False
    return address in found
