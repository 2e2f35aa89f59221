"""API v2: what a caller may not read is not there; with teasers on, it is there with its teaser alone."""

import json

import pytest
from django.test import Client

from cms_billing.paywall.api import PagesAPIViewSet
from cms_billing.testing.factories import UserFactory
from tests.testsite.models import ArticlePage, StoryPage

from .apis import v2, v3
from .conftest import SECRET, client_of, in_dunning, member

pytestmark = pytest.mark.django_db
PAGES = "/api/v2/pages/"
TYPE = "tests_testsite.ArticlePage"
# Whatever an address may ask for.
SWITCHES = [
    "",
    "?fields=*",
    "?fields=_,body",
    f"?type={TYPE}&fields=*",
    f"?type={TYPE}&fields=body,teaser",
    f"?type={TYPE}&fields=see_also(*)",
    f"?type={TYPE}&fields=see_also(body)",
    "?search=secret",
    "?search=Strings&fields=*",
    "?order=title&fields=*",
    f"?type={TYPE}&body=the strings hold the secret&fields=*",
    f"?type={TYPE}&order=body&fields=*",
    "?child_of=root&fields=*",
    "?format=json&fields=*",
    "?format=api&fields=*",
    "?rich_text_format=raw&fields=*",
]


@pytest.fixture(autouse=True)
def api(settings):
    settings.ROOT_URLCONF = v2(pages=PagesAPIViewSet)


@pytest.fixture
def teasers(settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "API_CLOSED_PAGES": "teaser"}


@pytest.fixture
def pointer(magazine):
    """An open page that names a closed one in a field."""
    return magazine.home.add_child(
        instance=ArticlePage(title="Pointer", slug="pointer", body="open", see_also=magazine.article)
    )


def titles(response) -> set[str]:
    return {row["title"] for row in json.loads(response.content)["items"]}


def addresses(magazine, pointer) -> list[str]:
    one = [f"{PAGES}{page.pk}/" for page in (magazine.section, magazine.article, pointer)]
    found = [f"{PAGES}find/?html_path=/magazine/strings/", f"{PAGES}find/?id={magazine.article.pk}"]
    return [PAGES, *one, *found, f"{PAGES}?child_of={magazine.section.pk}&fields=*"]


def test_no_address_gives_the_text_to_who_may_not_read(magazine, pointer):
    locked, contract = member(magazine.plan)
    in_dunning(contract, level=2, locked=True)
    clients = [Client(), client_of(UserFactory()), client_of(locked)]
    asked = [PAGES + switch for switch in SWITCHES] + addresses(magazine, pointer)
    asked += [f"{PAGES}{pointer.pk}/{switch}" for switch in ("?fields=*", "?fields=see_also(*)")]
    for client in clients:
        for address in asked:
            response = client.get(address, follow=True)
            assert SECRET not in response.content.decode(), address


def test_no_address_gives_the_text_when_teasers_are_listed(magazine, pointer, teasers):
    test_no_address_gives_the_text_to_who_may_not_read(magazine, pointer)


def test_members_read_through_the_api_what_they_read_on_the_site(magazine):
    user, _contract = member(magazine.plan)
    response = client_of(user).get(f"{PAGES}{magazine.article.pk}/")
    assert json.loads(response.content)["body"] == SECRET
    assert response["Cache-Control"] == "private, no-store"
    assert {"Magazine", "Strings"} <= titles(client_of(user).get(PAGES))


def test_closed_pages_are_hidden_unless_teasers_are_chosen(magazine):
    response = Client().get(PAGES)
    assert not {"Magazine", "Strings"} & titles(response)
    assert "no-store" not in response.get("Cache-Control", "")
    assert Client().get(f"{PAGES}{magazine.article.pk}/").status_code == 404


def test_a_listed_teaser_says_what_opens_the_page(magazine, teasers):
    assert {"Magazine", "Strings"} <= titles(Client().get(PAGES))
    closed = json.loads(Client().get(f"{PAGES}{magazine.article.pk}/?fields=*").content)
    assert closed["title"] == "Strings"
    assert closed["teaser"] == "<p>How to choose strings.</p>"
    assert closed["paywall"] == {
        "readable": False,
        "reason": "no_login",
        "opens_with": "login",
        "text": "Log in, or choose a plan",
    }
    assert "body" not in closed
    assert closed["meta"]["html_url"].endswith("/magazine/strings/")


@pytest.mark.parametrize("query", ["?search=strings", f"?type={TYPE}&body=x", "?order=title"])
def test_a_question_for_contents_is_not_asked_of_closed_pages(magazine, teasers, query):
    assert not {"Magazine", "Strings"} & titles(Client().get(PAGES + query))


def test_a_page_in_a_field_of_another_shows_its_teaser_only(magazine, pointer):
    answer = json.loads(Client().get(f"{PAGES}{pointer.pk}/?fields=see_also(*)").content)
    assert answer["body"] == "open"
    assert answer["see_also"]["title"] == "Strings"
    assert answer["see_also"]["paywall"]["readable"] is False
    assert "body" not in answer["see_also"]
    user, _contract = member(magazine.plan)
    answer = json.loads(client_of(user).get(f"{PAGES}{pointer.pk}/?fields=see_also(*)").content)
    assert answer["see_also"]["body"] == SECRET


@pytest.fixture
def story(magazine):
    """An open page with a block for members."""
    body = [{"type": "quote", "value": {"text": SECRET, "visible_to": "members"}}]
    return magazine.home.add_child(instance=StoryPage(title="Story", slug="story", body=json.dumps(body)))


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_blocks_for_members_are_not_in_a_guests_answer(magazine, story, settings, version):
    if version == "v3":
        settings.ROOT_URLCONF = v3()
    for query in ("", "?fields=*", "?type=tests_testsite.StoryPage&fields=body", "?search=secret"):
        for address in ("", f"{story.pk}/"):
            response = Client().get(f"/api/{version}/pages/{address}{query}")
            assert SECRET not in response.content.decode()
    assert b'"Story"' in Client().get(f"/api/{version}/pages/{story.pk}/").content


def test_blocks_for_members_are_in_a_members_answer(magazine, story):
    user, _contract = member(magazine.plan)
    response = client_of(user).get(f"{PAGES}{story.pk}/")
    assert SECRET in response.content.decode()
    assert response["Cache-Control"] == "private, no-store"


def test_the_admins_own_api_stays_as_it_is(magazine):
    admin = client_of(UserFactory(is_superuser=True))
    assert admin.get(f"/admin/api/main/pages/{magazine.article.pk}/").status_code == 200
    assert Client().get(f"/admin/api/main/pages/{magazine.article.pk}/").status_code in (302, 401, 403)
