"""Ways to ask for a closed page that are not the usual one."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.paywall.conftest import SECRET, client_of, member

from .conftest import ARTICLE, tells

pytestmark = pytest.mark.django_db

PATHS = [
    "/magazine/strings",
    "//magazine/strings/",
    "/magazine//strings/",
    "/magazine///strings//",
    "/./magazine/strings/",
    "/magazine/./strings/",
    "/magazine/../magazine/strings/",
    "/about/../magazine/strings/",
    "/%2e/magazine/strings/",
    "/magazine/%2e%2e/magazine/strings/",
    "/magazine%2fstrings/",
    "/magazine/strings%2f",
    "/magazine%252fstrings/",
    "/magazine/str%69ngs/",
    "/%6dagazine/strings/",
    "/MAGAZINE/STRINGS/",
    "/Magazine/strings/",
    "/ｍagazine/strings/",
    "/magazine/ſtrings/",
    "/magazine/strings\u200b/",
    "/magazine/strings/%00",
    "/magazine/strings%00/",
    "/magazine/strings/%20",
    "/magazine/strings%20/",
    "/magazine/strings/%0d%0aX-Test:1",
    "/magazine/strings/;jsessionid=1",
    "/magazine/strings;/",
    "/magazine/strings/..;/strings/",
    "/magazine\\strings/",
    "/magazine/strings/index.html",
    "/magazine/strings.json",
    "/magazine/strings/.json",
    "/magazine/strings/amp/",
    "/magazine/strings/~/",
    "/magazine/strings/?",
    "/magazine/strings/?/magazine/strings/",
    "/magazine/strings/#full",
]


def leaking(outsiders, ask, ways) -> list[tuple[str, object]]:
    """Who got the text in which way."""
    return [(who, way) for way in ways for who, client in outsiders.all.items() if tells(ask(client, way))]


def test_odd_paths(magazine, outsiders):
    assert not leaking(outsiders, lambda client, path: client.get(path), PATHS)
    assert not leaking(outsiders, lambda client, path: client.get(path, follow=True), PATHS)


@pytest.mark.parametrize("path", ["//magazine/strings/", "/magazine/str%69ngs/", "/magazine/strings/?x=1"])
def test_member_at_an_odd_path_is_never_cacheable(magazine, reader, path):
    response = reader.get(path, follow=True)
    if SECRET in response.content.decode():
        assert response["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    "method", ["HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "GARBAGE"]
)
def test_methods(magazine, outsiders, method):
    for who, client in outsiders.all.items():
        assert not tells(client.generic(method, ARTICLE)), who


def test_head_does_not_tell_how_long_the_full_text_is(magazine, outsiders, reader):
    full = len(reader.get(ARTICLE).content)
    teaser = len(outsiders.guest.get(ARTICLE).content)
    said = outsiders.guest.head(ARTICLE).get("Content-Length")
    assert said in (None, str(teaser))
    assert teaser != full


HEADERS = [
    {"Range": "bytes=0-9999"},
    {"Range": "bytes=-500"},
    {"If-Range": "*", "Range": "bytes=0-"},
    {"If-None-Match": "*"},
    {"If-Match": "*"},
    {"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"},
    {"If-Unmodified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"},
    {"Accept": "application/json"},
    {"Accept": "text/plain"},
    {"Accept": "application/rss+xml"},
    {"Accept": "application/activity+json"},
    {"X-Requested-With": "XMLHttpRequest"},
    {"HX-Request": "true"},
    {"Purpose": "prefetch"},
    {"Save-Data": "on"},
    {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
    {"User-Agent": "facebookexternalhit/1.1"},
    {"Referer": "https://www.google.com/"},
    {"Referer": "http://testserver/admin/pages/3/edit/"},
    {"X-Original-URL": ARTICLE},
    {"X-Rewrite-URL": ARTICLE},
    {"X-HTTP-Method-Override": "PUT"},
    {"X-Method-Override": "GET"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Real-IP": "66.249.66.1"},
    {"X-Forwarded-Host": "localhost"},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Prefix": "/admin"},
    {"X-Script-Name": "/admin"},
    {"X-Remote-User": "admin"},
    {"Remote-User": "admin"},
    {"Authorization": "Basic YWRtaW46YWRtaW4="},
    {"Authorization": "Bearer x"},
    {"X-Wagtail-Preview": "1"},
    {"Cookie": "sessionid="},
    {"Cookie": "sessionid=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"Cookie": "wagtail_preview=1; paywall=open; admin=1"},
]


def test_headers(magazine, outsiders):
    mine = [headers for headers in HEADERS if "Cookie" not in headers]
    for path in (ARTICLE, "/"):
        assert not leaking(
            outsiders, lambda client, headers, path=path: client.get(path, headers=headers), mine
        )


def test_cookies_made_up(magazine, outsiders):
    for headers in HEADERS:
        assert not tells(outsiders.guest.get(ARTICLE, headers=headers)), headers


QUERIES = [
    "format=json", "_format=json", "amp=1", "print=1", "output=1", "preview=1", "preview=true",
    "in_preview_panel=true", "mode=full", "view_as=member", "as=member", "visitor=editor", "free=1", "token=x",
    "gift=x", "pass=x", "utm_source=x",
    "page=2", "password=x", "next=/", "user=1", "draft=1", "version=draft", "revision=1", "cache=0", "__debug__=1",
]  # fmt: skip


def test_queries(magazine, outsiders):
    assert not leaking(outsiders, lambda client, query: client.get(f"{ARTICLE}?{query}"), QUERIES)


def test_queries_open_nothing_together_either(magazine, outsiders):
    for who, client in outsiders.all.items():
        assert not tells(client.get(f"{ARTICLE}?{'&'.join(QUERIES)}")), who
        assert not tells(client.post(ARTICLE, dict(query.split("=") for query in QUERIES))), who


CONDITIONAL = "django.middleware.http.ConditionalGetMiddleware"


def test_etag_of_a_member_is_none_of_a_guest(magazine, outsiders, reader, settings):
    settings.MIDDLEWARE = [CONDITIONAL, *settings.MIDDLEWARE]
    tag = reader.get(ARTICLE).get("ETag")
    for client in outsiders.all.values():
        response = client.get(ARTICLE, headers={"If-None-Match": tag or '"x"'})
        assert response.status_code == 200
        assert response.get("ETag") != tag or tag is None
        assert not tells(response)


# -- hosts -----------------------------------------------------------------------------------------------------------


def test_foreign_host_opens_nothing_and_is_not_believed(magazine, outsiders):
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1", "testserver:8443"):
        for who, client in outsiders.all.items():
            response = client.get(ARTICLE, headers={"Host": host, "X-Forwarded-Host": host})
            assert not tells(response), who
            assert "evil.example" not in response.content.decode(), who
            assert "evil.example" not in response.get("Location", ""), who


def test_unknown_host_is_refused(magazine, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    assert Client().get(ARTICLE, headers={"Host": "evil.example"}).status_code == 400


# -- where the login leads -------------------------------------------------------------------------------------------


ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "https:evil.example",
    "javascript:alert(1)",
]


def test_login_does_not_lead_elsewhere(magazine):
    user, _contract = member(magazine.plan)
    user.set_password("Saiten-und-Klang-26")
    user.save()
    for target in ELSEWHERE:
        given = {
            "login-username": user.email,
            "login-password": "Saiten-und-Klang-26",
            "login-redirect_url": target,
            "login_submit": "Log In",
        }
        response = Client().post(f"/shop/accounts/login/?next={target}", given)
        assert response.status_code == 302
        assert "evil.example" not in response["Location"]
        assert not response["Location"].startswith("javascript")


@pytest.mark.parametrize(
    "path", ["//evil.example/..//magazine/strings/", "/magazine/strings/?next=https://evil.example"]
)
def test_teasers_login_link_stays_here(magazine, path):
    text = Client().get(path).content.decode()
    assert 'href="https://evil.example' not in text
    assert 'href="//evil.example' not in text


# -- sessions --------------------------------------------------------------------------------------------------------


def test_session_that_was_logged_out_opens_nothing(magazine, reader):
    key = reader.cookies["sessionid"].value
    reader.logout()
    thief = Client()
    thief.cookies["sessionid"] = key
    assert not tells(thief.get(ARTICLE))


def test_session_ends_with_the_password_and_the_account(magazine):
    user, _contract = member(magazine.plan)
    client = client_of(user)
    assert tells(client.get(ARTICLE))
    user.is_active = False
    user.save()
    assert not tells(client.get(ARTICLE))
    user.is_active = True
    user.set_password("Neu-und-anders-26")
    user.save()
    assert not tells(client.get(ARTICLE))


def test_sessions_of_two_people_are_not_mixed_up(magazine, reader, outsiders):
    """Again and again in turn, in one process: nothing of one request is left for the next."""
    for _turn in range(3):
        assert tells(reader.get(ARTICLE))
        for who, client in outsiders.all.items():
            assert not tells(client.get(ARTICLE)), who
