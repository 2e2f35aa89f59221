"""Caches in front of the site forget what a changed rule made wrong.

A change writes a row in its own transaction; workers do the rest, again and again until every cache has answered
(``core.outbox``). Wagtail's front-end cache (``WAGTAILFRONTENDCACHE``) says which caches there are; without one nothing
is written.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from wagtail.contrib.frontend_cache.backends import HTTPBackend
from wagtail.contrib.frontend_cache.tasks import purge_urls_from_cache_task
from wagtail.contrib.frontend_cache.utils import PurgeBatch
from wagtail.models import Page

from cms_billing.core import outbox
from cms_billing.core.exceptions import BillingError

from .models import CachePurge

PAGES_A_BATCH = 200
WAGTAILS = "wagtail.contrib.frontend_cache.backends.HTTPBackend"
BOUNDED = "cms_billing.paywall.cache_backends.HTTPBackend"
# Wagtail's backends tell of failures only here.
BACKENDS_LOGGER = logging.getLogger("wagtail.frontendcache")


class CacheNotReached(BillingError):
    """A cache did not take the order to forget; it may go on showing what was there before."""

    def __init__(self, told: str) -> None:
        super().__init__(_("A cache in front of the site could not be purged: %(error)s") % {"error": told})


def has_caches_in_front() -> bool:
    return bool(
        getattr(settings, "WAGTAILFRONTENDCACHE", None)
        or getattr(settings, "WAGTAILFRONTENDCACHE_LOCATION", None)
    )


def ask_for_purge(*, path: str, title: str, moved_from: str = "") -> CachePurge | None:
    """In the transaction of the change. One row however often the same section changes in it."""
    if not has_caches_in_front() or _is_asked(path, moved_from):
        return None
    row = CachePurge.objects.create(path=path, title=title[:255], moved_from=moved_from)
    outbox.hint(row)
    if connection.in_atomic_block:
        connection.on_commit(partial(_asked, path, moved_from), robust=True)
    return row


def _asked(path: str, moved_from: str) -> None:
    """Marks in the transaction what it has asked for already; a savepoint that is undone takes it along."""


def _is_asked(path: str, moved_from: str) -> bool:
    waiting: list[Any] = [entry[1] for entry in connection.run_on_commit]
    return any(
        isinstance(call, partial) and call.func is _asked and call.args == (path, moved_from)
        for call in waiting
    )


def purge(row: CachePurge) -> Callable[[], Any]:
    """Batch by batch; what was done stays done when a later batch fails. Nobody needs the row after that.

    Raises CacheNotReached.
    """
    if not row.reached:
        _purge_pages(_listing(row.path))
    for pages in _batches(row):
        _purge_pages(pages)
        if row.moved_from:
            _purge_pages(list(_where_they_were(pages, row)))
        CachePurge.objects.filter(pk=row.pk).update(reached=pages[-1].path)
    return CachePurge.objects.filter(pk=row.pk).delete


def _batches(row: CachePurge) -> Iterator[list[Page]]:
    below = Page.objects.filter(path__startswith=row.path).order_by("path")
    reached = row.reached
    while pages := list(below.filter(path__gt=reached)[:PAGES_A_BATCH]):
        reached = pages[-1].path
        yield [*_same_elsewhere(pages), *pages]


def _same_elsewhere(pages: list[Page]) -> list[Page]:
    """Aliases and translations: they follow the rule of what they show."""
    ids = [page.pk for page in pages]
    keys = [page.translation_key for page in pages]
    return list(Page.objects.filter(Q(alias_of__in=ids) | Q(translation_key__in=keys)).exclude(pk__in=ids))


def _listing(path: str) -> list[Page]:
    """The pages above, which may print the teasers of those below."""
    above = [path[:end] for end in range(2 * Page.steplen, len(path), Page.steplen)]
    return list(Page.objects.filter(path__in=above))


def _where_they_were(pages: list[Page], row: CachePurge) -> Iterator[Page]:
    now = Page.objects.filter(path=row.path).values_list("url_path", flat=True).first()
    for page in pages:
        if now and page.path.startswith(row.path) and page.url_path.startswith(now):
            page.url_path = row.moved_from + page.url_path.removeprefix(now)
            yield page


def _purge_pages(pages: Iterable[Page]) -> None:
    batch = PurgeBatch()
    batch.add_pages(pages)
    if not batch.urls:
        return
    with _told_failures() as failures:
        purge_urls_from_cache_task.call(sorted(batch.urls), backend_settings=_caches())
    if failures:
        raise CacheNotReached("; ".join(failures[:3]))


def _caches() -> dict[str, dict[str, Any]]:
    """What the settings say, with a bound where Wagtail's own backend would wait for a silent cache for ever."""
    known = getattr(settings, "WAGTAILFRONTENDCACHE", None) or {
        "default": {"BACKEND": WAGTAILS, "LOCATION": getattr(settings, "WAGTAILFRONTENDCACHE_LOCATION", "")}
    }
    return {
        name: {**cache, "BACKEND": BOUNDED} if import_string(cache["BACKEND"]) is HTTPBackend else cache
        for name, cache in known.items()
    }


class _Listener(logging.Handler):
    """Keeps what this thread's backends report as failed."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.thread = threading.get_ident()
        self.failures: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread:
            self.failures.append(record.getMessage())


@contextmanager
def _told_failures() -> Iterator[list[str]]:
    """Wagtail's backends log failures and swallow them; a purge that is lost must be tried again."""
    listener = _Listener()
    BACKENDS_LOGGER.addHandler(listener)
    try:
        yield listener.failures
    finally:
        BACKENDS_LOGGER.removeHandler(listener)
