"""APIs, sitemap, feeds and lists of files, asked as an attacker would: the tricks that are tried on pages."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from wagtail.models import APIToken

from cms_billing.paywall.feed_services import feed_address, revoke_feed_address
from cms_billing.paywall.feeds import token_of
from cms_billing.paywall.files.services import set_collection_rule
from cms_billing.testing.factories import UserFactory
from tests.paywall.conftest import in_dunning, member
from tests.paywall.files import TEXT, Library, new_collection, new_document, new_image, sent

from .conftest import tells
from .test_requests import HEADERS, leaking

pytestmark = pytest.mark.django_db

PAGES = "/api/v3/pages/"
FEED = "/feed/"
METHODS = ["HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "GARBAGE"]
TYPE = "type=tests_testsite.ArticlePage"
QUERIES = [
    "fields=*", "fields=body", "version=draft", "draft=1", "rich_text_format=html", "format=json", "token=x",
    "limit=20", "limit=-1", "limit=0", "limit=999999", "offset=-1", "offset=1", "order=body", "order=-body",
    "order=random", "search=strings", "search=secret&search_operator=or", "body=x", "body__contains=secret",
    "teaser=x", "slug=strings", "title=Strings", "title__startswith=S", "live=false", "site=localhost", "site=*",
    "child_of=1", "descendant_of=1", "locale=en", "locale=xx", "user=1", "id=1", "page_ptr=1", "path=0001",
]  # fmt: skip


@pytest.fixture(autouse=True)
def doors(settings):
    settings.ROOT_URLCONF = "tests.paywall.urls_doors"


@pytest.fixture
def members_feed(magazine) -> str:
    user, _contract = member(magazine.plan)
    return f"{FEED}{token_of(feed_address(user=user))}/"


@pytest.fixture
def addresses(magazine) -> list[str]:
    article, section = magazine.article.pk, magazine.section.pk
    return [
        "/sitemap.xml",
        FEED,
        PAGES,
        f"{PAGES}{article}/",
        f"{PAGES}{section}/",
        f"{PAGES}find/?id={article}",
        f"{PAGES}find/?html_path=/magazine/strings/",
        f"{PAGES}{article}/revisions/",
        f"{PAGES}?child_of={section}",
        f"/api/v2/pages/{article}/",
    ]


@pytest.fixture
def library(magazine) -> Library:
    collection = new_collection()
    set_collection_rule(collection=collection, plans=[magazine.plan])
    return Library(collection, new_document(collection), new_image(collection), magazine.plan)


def with_token(user) -> Client:
    return Client(headers={"Authorization": f"Bearer {APIToken.create_token(user=user, name='test')[1]}"})


# -- who asks, and how -------------------------------------------------------------------------------------------------


def test_no_header_opens_anything(addresses, outsiders):
    for headers in HEADERS:
        for address in addresses[:4]:
            assert not tells(outsiders.guest.get(address, headers=headers)), (address, headers)


def test_everybody_outside_gets_the_same_nothing(addresses, outsiders):
    assert not leaking(outsiders, lambda client, address: client.get(address, follow=True), addresses)


def test_a_members_session_opens_neither_v3_nor_the_public_feed(addresses, reader):
    """One answer for everybody: what they may read is at their own address and in API v2."""
    for address in addresses:
        assert tells(reader.get(address)) == address.startswith("/api/v2/"), address


@pytest.mark.parametrize("method", METHODS)
def test_no_method_opens_anything(addresses, members_feed, outsiders, method):
    for address in addresses:
        for who, client in outsiders.all.items():
            assert not tells(client.generic(method, address)), (address, who)
    if method not in ("HEAD", "OPTIONS"):
        assert Client().generic(method, f"{PAGES}1/").status_code in (401, 405)


def test_nobody_writes_through_v3_without_a_token(magazine, outsiders, reader):
    page, body = magazine.article, json.dumps({"title": "Taken over", "meta": {"action": "publish"}})
    for client in (reader, *outsiders.all.values(), with_token(UserFactory())):
        for method, address in (
            ("PATCH", f"{PAGES}{page.pk}/"),
            ("POST", PAGES),
            ("DELETE", f"{PAGES}{page.pk}/"),
        ):
            response = client.generic(method, address, body, content_type="application/json")
            assert response.status_code in (401, 403, 404, 405, 422), (method, address)
            assert not tells(response)
    page.refresh_from_db()
    assert page.title == "Strings"


@pytest.mark.parametrize("mode", ["hidden", "teaser"])
def test_no_parameter_opens_anything(magazine, outsiders, settings, mode):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "API_CLOSED_PAGES": mode}
    for query in [*QUERIES, "&".join(QUERIES)]:
        for address in (
            f"{PAGES}?{query}",
            f"{PAGES}?{TYPE}&{query}",
            f"{PAGES}{magazine.article.pk}/?{query}",
        ):
            response = outsiders.guest.get(address)
            assert not tells(response), address
            assert response.status_code < 500, address


def test_no_filter_tells_word_by_word_what_is_in_a_closed_page(magazine, outsiders, settings):
    """Right and wrong guesses get the same answer."""
    settings.CMS_BILLING = {**settings.CMS_BILLING, "API_CLOSED_PAGES": "teaser"}
    for query in (f"{TYPE}&body=", f"{TYPE}&search=", "search=", f"{TYPE}&order=title&teaser="):
        right, wrong = (
            outsiders.guest.get(f"{PAGES}?{query}{guess}").content
            for guess in ("the strings hold the secret", "something that is nowhere")
        )
        assert b"Strings" not in right
        assert right.replace(b"the%20strings", b"") == wrong or right == wrong


def test_feeds_and_sitemaps_take_no_parameters(magazine, outsiders):
    for query in QUERIES:
        for address in (f"{FEED}?{query}", f"/sitemap.xml?{query}"):
            assert not tells(outsiders.guest.get(address)), address


def test_foreign_host_is_not_believed(addresses, outsiders):
    for address in addresses:
        for header in ("Host", "X-Forwarded-Host"):
            response = outsiders.guest.get(address, headers={header: "evil.example"})
            assert not tells(response), address
            if not address.startswith("/api/"):
                assert b"evil.example" not in response.content, address


# -- tokens ------------------------------------------------------------------------------------------------------------


def test_tokens_of_strangers_ended_or_altered_open_nothing(magazine):
    editor = UserFactory(is_superuser=True)
    token, key = APIToken.create_token(user=editor, name="test")
    address = f"{PAGES}{magazine.article.pk}/"
    assert tells(Client(headers={"Authorization": f"Bearer {key}"}).get(address))
    for wrong in (key[:-1], key + "x", key.swapcase(), key[1:], "", "x", str(token.pk), "null"):
        for scheme in ("Bearer", "Token", "Basic", ""):
            assert not tells(Client(headers={"Authorization": f"{scheme} {wrong}"}).get(address)), (
                scheme,
                wrong,
            )
    assert not tells(Client().get(f"{address}?token={key}"))
    editor.is_active = False
    editor.save()
    assert not tells(Client(headers={"Authorization": f"Bearer {key}"}).get(address))


def test_members_address_is_for_reading_alone(magazine, members_feed):
    assert tells(Client().get(members_feed))
    assert b"".join(Client().head(members_feed)) == b""
    for wrong in (
        f"{members_feed}x/",
        members_feed.upper(),
        f"/feed/./{members_feed[6:]}",
        f"{members_feed}?token=x",
    ):
        response = Client().get(wrong)
        assert not tells(response) or wrong.startswith(f"{members_feed}?")
    response = Client().get(members_feed)
    assert not response.cookies
    assert response["Referrer-Policy"] == "no-referrer"
    thief = Client()
    thief.get(members_feed)
    assert not tells(thief.get("/magazine/strings/"))
    assert not tells(thief.get(FEED))


def test_members_address_follows_a_lock_and_an_end(magazine):
    user, contract = member(magazine.plan)
    address = f"{FEED}{token_of(feed_address(user=user))}/"
    assert tells(Client().get(address))
    in_dunning(contract, level=3, locked=True)
    assert not tells(Client().get(address))
    revoke_feed_address(user=user)
    assert Client().get(address).status_code == 404


# -- caches in front ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("cache_in_front")
def test_no_cache_gives_what_a_token_or_session_opened_to_others(magazine, addresses, outsiders, reader):
    editor = with_token(UserFactory(is_superuser=True))
    for _turn in range(2):
        for address in addresses:
            reader.get(address), editor.get(address)
            for who, client in outsiders.all.items():
                assert not tells(client.get(address)), (address, who)
    assert tells(editor.get(f"{PAGES}{magazine.article.pk}/"))
    assert tells(reader.get(f"/api/v2/pages/{magazine.article.pk}/"))


@pytest.mark.usefixtures("cache_in_front")
def test_no_cache_keeps_a_members_feed(magazine, members_feed):
    assert tells(Client().get(members_feed))
    magazine.plan.contracts.update(end="2026-01-31")
    assert not tells(Client().get(members_feed))


@pytest.mark.usefixtures("cache_in_front")
def test_no_cache_gives_a_members_files_to_others(library, outsiders, reader):
    document = library.document
    asked = [document.url, document.file.url, library.image.file.url, f"/api/v2/documents/{document.pk}/"]
    for _turn in range(2):
        for address in asked:
            assert reader.get(address, follow=True).status_code == 200, address
            for who, client in outsiders.all.items():
                response = client.get(address, follow=True)
                assert TEXT not in sent(response), (address, who)
                assert not response.get("Content-Type", "").startswith("image/"), (address, who)


# -- lists of files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_no_request_for_lists_of_files_names_a_closed_one(library, outsiders, version):
    document, image = library.document, library.image
    rests = [
        "",
        "?limit=20",
        "?search=Handbook",
        "?order=title",
        "?title=Handbook",
        "?title=Chord",
        "?fields=*",
    ]
    asked = [f"/api/{version}/{kind}/{rest}" for kind in ("documents", "images") for rest in rests]
    asked += [f"/api/{version}/documents/{document.pk}/", f"/api/{version}/images/{image.pk}/"]
    asked += [
        f"/api/{version}/documents/find/?id={document.pk}",
        f"/api/{version}/images/{image.pk}/renditions/",
    ]
    told = ('"Handbook"', '"Chord"', document.filename, document.file.name, image.file.name)
    for address in asked:
        for who, client in outsiders.all.items():
            text = sent(client.get(address, follow=True)).decode().replace(address, "")
            assert not [one for one in told if one in text], (address, who)
        for headers in ({"Accept": "text/html"}, {"Range": "bytes=0-"}, {"X-Original-URL": "/"}):
            text = sent(outsiders.guest.get(address, headers=headers, follow=True)).decode()
            assert not [one for one in told if one in text.replace(address, "")], (address, headers)


@pytest.mark.parametrize("method", METHODS)
def test_no_method_names_or_changes_a_closed_file(library, outsiders, method):
    for version in ("v2", "v3"):
        for client in outsiders.all.values():
            response = client.generic(method, f"/api/{version}/documents/{library.document.pk}/")
            assert response.status_code in (401, 403, 404, 405, 422) or method == "OPTIONS"
            assert "Handbook" not in response.content.decode()
    library.document.refresh_from_db()
    assert library.document.file.storage.exists(library.document.file.name)
