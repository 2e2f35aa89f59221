"""Wagtail's way to purge nginx, Varnish and the like, with a bound in time and for caches that keep each language.

WAGTAILFRONTENDCACHE = {
    "proxy": {
        "BACKEND": "cms_billing.paywall.cache_backends.HTTPBackend",
        "LOCATION": "http://127.0.0.1:80",
        "LANGUAGES": ["en", "de"],
        "TIMEOUT": 5,
    },
}

``LANGUAGES``: an order for each, with its ``Accept-Language``; left out, one that names none. ``TIMEOUT``: seconds to
wait for each answer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

from wagtail import __version__
from wagtail.contrib.frontend_cache import backends
from wagtail.contrib.frontend_cache.backends.http import PurgeRequest

TIMEOUT = 5.0
logger = logging.getLogger("wagtail.frontendcache")


class HTTPBackend(backends.HTTPBackend):
    def __init__(self, params: dict[str, Any]) -> None:
        self.timeout = float(params.pop("TIMEOUT", TIMEOUT))
        self.languages: Sequence[str] = params.pop("LANGUAGES", None) or ("",)
        super().__init__(params)

    def purge(self, url: str) -> None:
        self.purge_batch([url])

    def purge_batch(self, urls: Sequence[str]) -> None:
        """Who is silent once is asked nothing more in this batch: it would hold the worker for each address."""
        for number, url in enumerate(urls, start=1):
            try:
                self._purge(url)
            except (OSError, HTTPException) as error:
                logger.error(
                    "Couldn't purge '%s' from HTTP cache. %s. %d more were not tried.",
                    url,
                    str(error) or type(error).__name__,
                    len(urls) - number,
                )
                return

    def _purge(self, url: str) -> None:
        for request in self._requests(url):
            try:
                urlopen(request, timeout=self.timeout).close()
            except HTTPError as error:
                logger.error(
                    "Couldn't purge '%s' from HTTP cache. HTTPError: %d %s", url, error.code, error.reason
                )
                error.close()

    def _requests(self, url: str) -> Iterator[PurgeRequest]:
        asked = urlsplit(url)
        at_cache = urlunsplit((self.cache_scheme, self.cache_netloc, asked.path, asked.query, ""))
        host = f"{asked.hostname}:{asked.port}" if asked.port else str(asked.hostname)
        for language in self.languages:
            headers = {"Host": host, "User-Agent": f"Wagtail-frontendcache/{__version__}"}
            if language:
                headers["Accept-Language"] = language
            yield PurgeRequest(url=at_cache, headers=headers)
