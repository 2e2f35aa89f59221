"""API v3: guarded wherever it is mounted, for guests, for members' sessions and for owners of tokens."""

import json

import pytest
from django.test import Client
from wagtail.models import APIToken

from cms_billing.paywall import api_v3, checks
from cms_billing.testing.factories import UserFactory
from tests.testsite.models import ArticlePage

from .apis import v3
from .conftest import SECRET, client_of, member
from .test_serving import editor_of

pytestmark = pytest.mark.django_db
PAGES = "/api/v3/pages/"
TYPE = "tests_testsite.ArticlePage"
SWITCHES = [
    "",
    f"?type={TYPE}",
    f"?type={TYPE}&body=the strings hold the secret",
    f"?type={TYPE}&order=body",
    "?search=secret",
    "?search=Strings",
    "?child_of=root",
    "?descendant_of=root",
    "?order=title",
    "?limit=20&offset=0",
]


@pytest.fixture(autouse=True)
def api(settings):
    settings.ROOT_URLCONF = v3()


@pytest.fixture
def teasers(settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "API_CLOSED_PAGES": "teaser"}


def with_token(user) -> Client:
    _token, key = APIToken.create_token(user=user, name="test")
    return Client(headers={"Authorization": f"Bearer {key}"})


def titles(response) -> set[str]:
    return {row["title"] for row in json.loads(response.content)["items"]}


def asked(magazine) -> list[str]:
    article, section = magazine.article.pk, magazine.section.pk
    return [
        *(PAGES + switch for switch in SWITCHES),
        f"{PAGES}{article}/",
        f"{PAGES}{article}/?version=draft",
        f"{PAGES}{article}/?rich_text_format=raw",
        f"{PAGES}{section}/",
        f"{PAGES}find/?id={article}",
        f"{PAGES}find/?html_path=/magazine/strings/",
        f"{PAGES}?child_of={section}",
        f"{PAGES}?ancestor_of={article}",
        f"{PAGES}?translation_of={article}",
        f"{PAGES}{article}/revisions/",
    ]


@pytest.mark.parametrize("mode", ["hidden", "teaser"])
def test_no_address_gives_the_text_to_who_may_not_read(magazine, settings, mode):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "API_CLOSED_PAGES": mode}
    magazine.article.save_revision().publish()
    reader, _contract = member(magazine.plan)
    elsewhere = editor_of(magazine.home.add_child(instance=ArticlePage(title="Other")))
    callers = [Client(), client_of(reader), with_token(UserFactory()), with_token(elsewhere)]
    for caller in callers:
        for address in asked(magazine):
            response = caller.get(address, follow=True)
            assert SECRET not in response.content.decode(), address


def test_closed_pages_are_not_there(magazine):
    assert not {"Magazine", "Strings"} & titles(Client().get(PAGES))
    assert Client().get(f"{PAGES}{magazine.article.pk}/").status_code == 404
    assert Client().get(f"{PAGES}find/?html_path=/magazine/strings/").status_code == 404


def test_an_open_page_is_there_with_all_its_fields(magazine):
    page = magazine.home.add_child(instance=ArticlePage(title="Free", slug="free", body="open to all"))
    response = Client().get(f"{PAGES}{page.pk}/")
    assert json.loads(response.content)["body"] == "open to all"
    assert "no-store" not in response.get("Cache-Control", "")


def test_editors_read_with_their_token_what_they_may_change(magazine):
    caller = with_token(editor_of(magazine.section))
    response = caller.get(f"{PAGES}{magazine.article.pk}/")
    assert json.loads(response.content)["body"] == SECRET
    assert response["Cache-Control"] == "private, no-store"
    assert "Authorization" in response["Vary"]
    assert {"Magazine", "Strings"} <= titles(caller.get(PAGES))


def test_who_may_only_publish_reads_no_more_than_a_reader(magazine):
    caller = with_token(editor_of(magazine.section, "publish_page"))
    assert caller.get(f"{PAGES}{magazine.article.pk}/").status_code == 404


def test_teasers_are_listed_where_the_site_says_so(magazine, teasers):
    assert {"Magazine", "Strings"} <= titles(Client().get(PAGES))
    assert not {"Magazine", "Strings"} & titles(Client().get(f"{PAGES}?search=Strings"))
    closed = json.loads(Client().get(f"{PAGES}{magazine.article.pk}/").content)
    assert (closed["title"], closed["teaser"]) == ("Strings", "<p>How to choose strings.</p>")
    assert closed["paywall"]["opens_with"] == "login"
    assert "body" not in closed


def test_the_check_sees_when_something_takes_the_guard_away(monkeypatch):
    from wagtail.api.v3.routers import pages

    assert api_v3.is_guarded()
    assert checks.api_v3_is_guarded(None) == []
    monkeypatch.setattr(pages, "get_pages_queryset", pages.get_pages_queryset.__wrapped__)
    assert [message.id for message in checks.api_v3_is_guarded(None)] == ["cms_billing.E046"]
