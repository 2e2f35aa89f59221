"""Rows that make caches in front forget: written with the change, worked off until every cache has answered."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.db import transaction
from wagtail.contrib.frontend_cache.backends import BaseBackend
from wagtail.models import Page

from cms_billing.core import clock, outbox
from cms_billing.paywall import cache_backends, purges
from cms_billing.paywall.models import CachePurge
from cms_billing.paywall.services import remove_rule, set_rule
from cms_billing.paywall.terms import OpensTo, RuleTerms
from cms_billing.testing.factories import PlanFactory
from tests.testsite.models import ArticlePage

from .proxies import free_port

pytestmark = pytest.mark.django_db


class Recorder(BaseBackend):
    """A cache that remembers what it was told, and may be down."""

    told: list[str] = []
    broken_after: int | None = None

    def purge(self, url):
        if Recorder.broken_after is not None and len(Recorder.told) >= Recorder.broken_after:
            purges.BACKENDS_LOGGER.error("Couldn't purge '%s' from HTTP cache.", url)
            return
        Recorder.told.append(url.removeprefix("http://localhost"))


@pytest.fixture
def cache_in_front(settings, magazine):
    settings.WAGTAILFRONTENDCACHE = {"recorder": {"BACKEND": f"{__name__}.Recorder"}}
    Recorder.told, Recorder.broken_after = [], None
    return magazine


def purge_now() -> outbox.Drained:
    return outbox.drain(CachePurge, now=clock.now())


def test_without_a_cache_in_front_nothing_is_written(magazine):
    remove_rule(page=magazine.section)
    assert not CachePurge.objects.exists()


def test_a_changed_rule_purges_the_section_what_is_below_and_the_pages_that_list_it(cache_in_front):
    set_rule(page=cache_in_front.section, terms=RuleTerms(opens_to=OpensTo.EVERYONE))
    assert purge_now().done == 1
    assert Recorder.told == ["/", "/magazine/", "/magazine/strings/"]
    assert not CachePurge.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_one_change_is_one_row_and_the_next_transaction_writes_its_own(cache_in_front):
    for _change in range(2):
        with transaction.atomic():
            set_rule(page=cache_in_front.section, plans=[cache_in_front.plan])
            set_rule(page=cache_in_front.section, terms=RuleTerms(opens_to=OpensTo.EVERYONE))
    assert CachePurge.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_undone_purges_nothing(cache_in_front):
    with transaction.atomic():
        remove_rule(page=cache_in_front.section)
        transaction.set_rollback(True)
    assert not CachePurge.objects.exists()


def test_a_cache_that_is_down_is_told_again_from_where_it_stopped(cache_in_front, monkeypatch):
    monkeypatch.setattr(purges, "PAGES_A_BATCH", 1)
    remove_rule(page=cache_in_front.section)
    Recorder.broken_after = 2
    assert purge_now().retry == 1
    row = CachePurge.objects.get()
    assert row.reached == cache_in_front.section.path
    assert "Couldn't purge 'http://localhost/magazine/strings/'" in row.last_error
    Recorder.broken_after = None
    CachePurge.objects.update(next_try_at=None)
    assert purge_now().done == 1
    assert Recorder.told == ["/", "/magazine/", "/magazine/strings/"]


def test_a_plan_that_changes_makes_the_teasers_old_that_name_it(cache_in_front):
    other = PlanFactory(issuer=cache_in_front.plan.issuer)
    other.save()
    assert not CachePurge.objects.exists()
    cache_in_front.plan.is_active = False
    cache_in_front.plan.save()
    assert CachePurge.objects.get().title == "Magazine"


def test_aliases_elsewhere_are_purged_too(cache_in_front):
    alias = cache_in_front.article.create_alias(parent=cache_in_front.home, update_slug="best-of")
    remove_rule(page=cache_in_front.section)
    purge_now()
    assert f"/{alias.slug}/" in Recorder.told


def test_a_move_purges_the_old_addresses_and_the_new_ones(cache_in_front):
    archive = cache_in_front.home.add_child(instance=ArticlePage(title="Archive", slug="archive"))
    Page.objects.get(pk=cache_in_front.section.pk).move(archive, pos="last-child")
    purge_now()
    assert set(Recorder.told) >= {
        "/magazine/",
        "/magazine/strings/",
        "/archive/magazine/",
        "/archive/magazine/strings/",
    }


# -- caches that do not answer ------------------------------------------------------------------------------------

WAGTAILS = "wagtail.contrib.frontend_cache.backends.HTTPBackend"
OURS = "cms_billing.paywall.cache_backends.HTTPBackend"


@contextmanager
def answering(port: int) -> Iterator[list[tuple[str, str | None, str | None]]]:
    """A cache at ``port`` that does what it is told, and the orders it gets: path, host, language."""
    told: list[tuple[str, str | None, str | None]] = []

    class Cache(BaseHTTPRequestHandler):
        def do_PURGE(self) -> None:
            told.append((self.path, self.headers["Host"], self.headers["Accept-Language"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", port), Cache)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("backend", [WAGTAILS, OURS])
def test_a_cache_that_accepts_and_never_answers_holds_no_worker(backend, magazine, settings, monkeypatch):
    monkeypatch.setattr(cache_backends, "TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings.WAGTAILFRONTENDCACHE = {
            "silent": {"BACKEND": backend, "LOCATION": f"http://127.0.0.1:{port}"},
        }
        remove_rule(page=magazine.section)
        begun = time.monotonic()
        assert purge_now().retry == 1
        assert time.monotonic() - begun < 3
    row = CachePurge.objects.get()
    assert row.reached == ""
    assert "timed out" in row.last_error

    with answering(port) as told:
        CachePurge.objects.update(next_try_at=None)
        assert purge_now().done == 1
    assert told == [(path, "localhost", None) for path in ("/", "/magazine/", "/magazine/strings/")]


def test_a_silent_cache_is_asked_once_a_batch(monkeypatch, caplog):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        params = {"LOCATION": f"http://127.0.0.1:{silent.getsockname()[1]}", "TIMEOUT": 0.2}
        begun = time.monotonic()
        cache_backends.HTTPBackend(params).purge_batch([f"http://localhost/{n}/" for n in range(200)])
    assert time.monotonic() - begun < 3
    assert "199 more were not tried" in caplog.text


def test_the_old_setting_has_the_bound_as_well(magazine, settings, monkeypatch):
    monkeypatch.setattr(cache_backends, "TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.WAGTAILFRONTENDCACHE_LOCATION = f"http://127.0.0.1:{silent.getsockname()[1]}"
        remove_rule(page=magazine.section)
        assert purge_now().retry == 1


def test_each_language_that_a_cache_keeps_is_purged(magazine, settings):
    port = free_port()
    settings.WAGTAILFRONTENDCACHE = {
        "proxy": {"BACKEND": OURS, "LOCATION": f"http://127.0.0.1:{port}", "LANGUAGES": ["en", "de"]}
    }
    remove_rule(page=magazine.section)
    with answering(port) as told:
        assert purge_now().done == 1
    assert [language for path, _host, language in told if path == "/magazine/"] == ["en", "de"]
    assert len(told) == 6
