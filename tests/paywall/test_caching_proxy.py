"""nginx and Varnish in front of the live site, configured as the documentation says: what guests share, what nobody
else gets, and what a changed rule throws out."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Page

from cms_billing.core import clock, outbox
from cms_billing.paywall.gate import LONGEST
from cms_billing.paywall.models import CachePurge
from cms_billing.paywall.services import remove_rule, set_rule
from cms_billing.paywall.sharing.services import create_gift
from cms_billing.paywall.terms import RuleTerms
from cms_billing.testing.factories import UserFactory
from tests.testsite.models import ArticlePage

from . import proxies
from .conftest import SECRET, client_of, member
from .proxies import Answer, Proxy

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/magazine/strings/"
ENGLISH = {"Accept_Language": "en-GB,en;q=0.8"}
ANALYTICS = {"Cookie": "_ga=GA1.1.42; _pk_id.1=abc"}


@pytest.fixture(params=[proxies.nginx, proxies.varnish], ids=["nginx", "varnish"])
def proxy(request, live_server, tmp_path, settings) -> Proxy:
    with request.param(live_server.url, tmp_path) as running:
        settings.WAGTAILFRONTENDCACHE = {
            "proxy": {
                "BACKEND": "cms_billing.paywall.cache_backends.HTTPBackend",
                "LOCATION": f"http://{running.address}",
                "LANGUAGES": ["en", "de"],
            }
        }
        yield running


def is_teaser(answer: Answer) -> bool:
    return answer.status == 200 and SECRET not in answer.body and "paywall-offers" in answer.body


def is_full_text(answer: Answer) -> bool:
    return answer.status == 200 and SECRET in answer.body


def session_of(user) -> dict[str, str]:
    return {"Cookie": f"_ga=1; sessionid={client_of(user).cookies['sessionid'].value}"}


def purge_now() -> outbox.Drained:
    return outbox.drain(CachePurge, now=clock.now())


def test_guests_share_one_teaser_whatever_cookies_advertisers_gave_them(proxy, magazine):
    first = proxy.get(PAGE)
    assert is_teaser(first)
    assert not first.was_kept
    assert first.headers["Set-Cookie"] is None
    for headers in ({}, ANALYTICS, ENGLISH, {"Accept": "application/json"}, {"User_Agent": "Googlebot/2.1"}):
        again = proxy.get(PAGE, **headers)
        assert again.was_kept
        assert again.body == first.body
    newsletter = proxy.get(f"{PAGE}?utm_source=letter&utm_campaign=may", **ANALYTICS)
    assert newsletter.was_kept
    assert newsletter.body == first.body


def test_head_and_ranges_of_a_teaser_give_no_more_than_the_teaser(proxy, magazine):
    head = proxy.get(PAGE, method="HEAD")
    assert (head.status, head.body) == (200, "")
    full = proxy.get(PAGE)
    assert is_teaser(full)
    part = proxy.get(PAGE, Range="bytes=0-99")
    assert part.status in (200, 206)
    assert full.body.startswith(part.body)
    assert proxy.get(PAGE, Range="bytes=0-1000000").body == full.body


@pytest.mark.parametrize("query", ["?preview=1", "?format=json", "?0", "?utm_source=x&page=2", "?fields=*"])
def test_a_query_is_answered_by_the_site_and_spoils_nothing(proxy, magazine, query):
    answer = proxy.get(PAGE + query)
    assert is_teaser(answer)
    assert not answer.was_kept
    plain = proxy.get(PAGE)
    assert not plain.was_kept
    assert "strings%2F%3F" not in plain.body


def test_a_member_reads_the_full_text_and_leaves_none_of_it_to_guests(proxy, magazine):
    reader, _contract = member(magazine.plan)
    stranger = UserFactory()
    for _twice in range(2):
        full = proxy.get(PAGE, **session_of(reader))
        assert is_full_text(full)
        assert not full.was_kept
        assert full.headers["Cache-Control"] == "private, no-store"
        assert is_teaser(proxy.get(PAGE))
        assert is_teaser(proxy.get(PAGE, **session_of(stranger)))
        for cookie in ("sessionid=stolen", "sessionid=", "SESSIONID=x; _ga=1"):
            assert is_teaser(proxy.get(PAGE, Cookie=cookie))
    assert proxy.get(PAGE).was_kept
    assert is_full_text(proxy.get(f"{PAGE}?utm_source=letter", **session_of(reader)))
    assert is_teaser(proxy.get(PAGE, Authorization="Bearer nothing"))
    assert SECRET not in proxy.get(PAGE, Range="bytes=0-1000000").body


def test_a_changed_rule_throws_out_the_section_and_what_is_below(proxy, magazine):
    assert is_teaser(proxy.get(PAGE))
    assert is_teaser(proxy.get("/magazine/"))
    purge_now()
    assert not proxy.get(PAGE).was_kept
    remove_rule(page=magazine.section)
    assert is_teaser(proxy.get(PAGE)), "nobody has purged yet"
    assert purge_now().done == 1
    assert is_full_text(proxy.get(PAGE))
    assert is_full_text(proxy.get("/magazine/"))
    assert is_full_text(kept := proxy.get(PAGE))
    assert kept.was_kept
    set_rule(page=magazine.section, plans=[magazine.plan])
    assert purge_now().retry == 0
    assert is_teaser(proxy.get(PAGE))
    assert is_teaser(proxy.get("/magazine/"))


def test_a_page_moved_into_a_closed_section_is_gone_from_its_old_address(proxy, magazine):
    free = magazine.home.add_child(instance=ArticlePage(title="Free", slug="free", body=SECRET))
    assert is_full_text(proxy.get("/free/"))
    assert proxy.get("/free/").was_kept
    free.move(Page.objects.get(pk=magazine.section.pk), pos="last-child")
    purge_now()
    assert SECRET not in proxy.get("/free/").body
    assert is_teaser(proxy.get("/magazine/free/"))


@pytest.mark.parametrize("cookie", ["cms_billing_pass_free_7=x", "oscar_open_basket=1:x", "messages=x"])
def test_who_brings_something_of_their_own_goes_past_the_cache(proxy, magazine, cookie):
    assert is_teaser(proxy.get(PAGE))
    own = proxy.get(PAGE, Cookie=f"_ga=1; {cookie}")
    assert is_teaser(own)
    assert not own.was_kept
    assert proxy.get(PAGE).was_kept


def cookies_of(answer: Answer) -> dict[str, str]:
    given = (header.split(";")[0] for header in answer.headers.get_all("Set-Cookie") or [])
    return {"Cookie": "; ".join(["_ga=1", *given])}


def test_a_gift_and_a_free_page_are_read_past_the_cache_and_left_to_nobody(proxy, magazine):
    set_rule(page=magazine.section, plans=[magazine.plan], terms=RuleTerms(gifts=1, quota=1))
    giver, _contract = member(magazine.plan)
    # The clock stands still for this thread only: the site is in the present.
    today, now = timezone.localdate(), timezone.now()
    _link, token = create_gift(giver=giver, page=magazine.article, today=today, now=now)
    assert is_teaser(proxy.get(PAGE))

    gift = proxy.get(reverse("cms_billing:open_gift", args=[token]), Sec_Fetch_Mode="navigate")
    free = proxy.get(
        reverse("cms_billing:read_free", args=[magazine.article.pk]),
        method="POST",
        Sec_Fetch_Site="same-origin",
        Content_Length="0",
    )

    for answer in (gift, free):
        assert (answer.status, answer.headers["Location"]) == (302, PAGE)
        assert not answer.was_kept
        full = proxy.get(PAGE, **cookies_of(answer))
        assert is_full_text(full)
        assert not full.was_kept
        assert is_teaser(proxy.get(PAGE))
    assert proxy.get(PAGE).was_kept


def test_other_hosts_have_no_part_in_it(proxy, magazine):
    own = proxy.get(PAGE)
    for headers in (
        {"host": "evil.example"},
        {"X_Forwarded_Host": "evil.example"},
        {"X_Original_URL": "/evil/"},
    ):
        proxy.get(PAGE, **headers)
        assert proxy.get(PAGE).body == own.body


def language_of(answer: Answer) -> str:
    assert is_teaser(answer)
    return answer.body.partition('<html lang="')[2][:2]


def test_each_language_is_kept_and_none_for_the_other(proxy, magazine):
    german, english = {"Accept_Language": "de-DE,de;q=0.9,en;q=0.8"}, {"Accept_Language": "en-GB,en;q=0.8"}
    for headers, language in ((german, "de"), (english, "en")):
        first = proxy.get(PAGE, **headers)
        assert not first.was_kept
        for again in (proxy.get(PAGE, **headers, **ANALYTICS), proxy.get(f"{PAGE}?utm_source=x", **headers)):
            assert again.was_kept
            assert (language_of(again), again.body) == (language, first.body)
    assert language_of(proxy.get(PAGE)) == "en"


ASKED = [
    ("de", "de"),
    ("DE-at", "de"),
    ("fr-FR,fr;q=0.9,de;q=0.5,en;q=0.3", "de"),
    ("fr, en;q=0.8, de;q=0.5", "en"),
    ("  en-US ,de", "en"),
    ("den,sv", "en"),
    ("*", "en"),
    ("x" * 3000 + ",", "en"),
    (" " * 500 + (", " * 900), "en"),
]


def test_the_language_is_the_first_of_the_sites_own_that_the_browser_names(proxy, magazine):
    for header, language in ASKED:
        begun = time.monotonic()
        assert language_of(proxy.get(PAGE, Accept_Language=header)) == language, header
        assert time.monotonic() - begun < 5
        assert proxy.get(PAGE, Accept_Language=language).was_kept


def test_a_chosen_language_counts_before_the_browsers(proxy, magazine):
    """And whatever else stands in that cookie makes no variant of its own."""
    assert language_of(proxy.get(PAGE, Cookie="django_language=de")) == "de"
    assert proxy.get(PAGE, Accept_Language="de").was_kept
    back = proxy.get(PAGE, Cookie="_ga=1; django_language=en", Accept_Language="de")
    assert language_of(back) == "en"
    nonsense = proxy.get(PAGE, Cookie="django_language=xx%0a")
    assert language_of(nonsense) == "en"
    assert nonsense.was_kept


def test_a_changed_rule_throws_out_every_language(proxy, magazine):
    purge_now()
    for language in ("en", "de"):
        assert is_teaser(proxy.get(PAGE, Accept_Language=language))
    remove_rule(page=magazine.section)
    assert purge_now().done == 1
    for language in ("en", "de"):
        assert is_full_text(proxy.get(PAGE, Accept_Language=language))


# -- days on which everybody reads --------------------------------------------------------------------------------

ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture
def site_at(monkeypatch) -> Callable[[datetime], datetime]:
    """The site's clock, in all its threads, shows this and goes on from there; the proxy's own stays in the present."""

    def begin(moment: datetime) -> None:
        ahead = moment - timezone.now()
        monkeypatch.setattr(clock, "now", lambda: timezone.now() + ahead)

    return begin


def wait_for_midnight() -> None:
    tomorrow = clock.today() + timedelta(days=1)
    while clock.today() < tomorrow:
        time.sleep(0.02)


LAST_DAY = date(2026, 5, 20)
ENDS = RuleTerms(free_until=LAST_DAY)
BEGINS = RuleTerms(free_from=LAST_DAY + timedelta(days=1))


def before_midnight(seconds: float) -> datetime:
    midnight = datetime.combine(LAST_DAY + timedelta(days=1), datetime.min.time(), ZONE)
    return midnight - timedelta(seconds=seconds)


def test_a_full_text_kept_while_it_was_free_is_gone_at_midnight(proxy, magazine, site_at):
    """Caches count in whole seconds, in ways of their own: right after midnight is what matters."""
    seconds = 4.1
    set_rule(page=magazine.section, plans=[magazine.plan], terms=ENDS)
    proxy.get("/")
    site_at(before_midnight(seconds))
    free = proxy.get(PAGE)
    assert is_full_text(free)
    assert 0 < max_age_of(free) < seconds
    again = proxy.get(PAGE, **ANALYTICS)
    assert again.was_kept
    assert again.body == free.body

    wait_for_midnight()

    for headers in ({}, ANALYTICS, {"method": "HEAD"}, {}):
        assert SECRET not in proxy.get(PAGE, **headers).body
    assert is_teaser(proxy.get(PAGE))
    assert proxy.get(PAGE).was_kept


def test_a_teaser_kept_until_a_page_is_free_makes_way_at_midnight(proxy, magazine, site_at):
    set_rule(page=magazine.section, plans=[magazine.plan], terms=BEGINS)
    proxy.get("/")
    site_at(before_midnight(4))
    assert is_teaser(proxy.get(PAGE))
    assert proxy.get(PAGE).was_kept
    wait_for_midnight()
    assert is_full_text(proxy.get(PAGE))


def test_in_the_last_second_nothing_is_kept(proxy, magazine, site_at):
    set_rule(page=magazine.section, plans=[magazine.plan], terms=ENDS)
    proxy.get("/")
    site_at(before_midnight(1.0))
    assert max_age_of(proxy.get(PAGE)) == 0
    wait_for_midnight()
    assert is_teaser(proxy.get(PAGE))


def test_hours_before_it_is_kept_for_an_hour(proxy, magazine, site_at):
    set_rule(page=magazine.section, plans=[magazine.plan], terms=ENDS)
    site_at(before_midnight(9 * 3600))
    assert is_full_text(free := proxy.get(PAGE))
    assert max_age_of(free) == LONGEST
    kept = proxy.get(PAGE)
    assert kept.was_kept
    assert int(kept.headers["Age"] or 0) < max_age_of(kept) == LONGEST


def max_age_of(answer: Answer) -> int:
    assert answer.headers["Cache-Control"].startswith("max-age=")
    return int(answer.headers["Cache-Control"].removeprefix("max-age="))


def test_only_machines_of_the_site_purge(proxy, magazine):
    assert is_teaser(proxy.get(PAGE))
    assert proxy.get(PAGE, method="PURGE", source="127.0.0.2").status in (403, 405)
    assert proxy.get(PAGE).was_kept
    assert proxy.get(PAGE, method="PURGE").status == 200
    assert not proxy.get(PAGE).was_kept
