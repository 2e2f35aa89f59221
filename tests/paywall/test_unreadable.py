"""While the rules cannot be read no door says anything of pages or files: 503, try again, and no cache keeps it."""

import json

import pytest
from django.contrib.syndication.views import Feed
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from wagtail.api.v2.router import WagtailAPIRouter
from wagtail.contrib.sitemaps.views import sitemap
from wagtail.models import Page

from cms_billing.core import clock
from cms_billing.paywall import rule_map
from cms_billing.paywall.api import DocumentsAPIViewSet, ImagesAPIViewSet, PagesAPIViewSet
from cms_billing.paywall.feed_services import feed_address
from cms_billing.paywall.feeds import token_of
from cms_billing.paywall.search import autocomplete_visible, search_teasers, search_visible
from cms_billing.paywall.sitemaps import PaywallSitemap
from cms_billing.testing.factories import UserFactory

from .apis import urls_with
from .conftest import SECRET, client_of, member
from .test_api_v3 import with_token
from .test_feeds import MagazineFeed

pytestmark = pytest.mark.django_db


def searching(find):
    def view(request):
        found = find(Page.objects.live(), "strings", request.user, today=clock.today())
        return HttpResponse("".join(page.title for page in found))

    return view


@pytest.fixture(autouse=True)
def doors(settings):
    from wagtail.api.v3.urls import api as v3

    v2 = WagtailAPIRouter("wagtailapi")
    for name, endpoint in (
        ("pages", PagesAPIViewSet),
        ("documents", DocumentsAPIViewSet),
        ("images", ImagesAPIViewSet),
    ):
        v2.register_endpoint(name, endpoint)
    settings.CMS_BILLING = {**settings.CMS_BILLING, "SITEMAP_CLOSED_PAGES": False}
    settings.ROOT_URLCONF = urls_with(
        path("api/v2/", v2.urls),
        path("api/v3/", v3.urls),
        path("sitemap.xml", sitemap, {"sitemaps": {"pages": PaywallSitemap}}),
        path("feed/", MagazineFeed()),
        path("feed/<str:token>/", MagazineFeed()),
        path("search/", searching(search_visible)),
        path("suggest/", searching(autocomplete_visible)),
        path("teasers/", searching(search_teasers)),
    )


@pytest.fixture
def unreadable(magazine, monkeypatch):
    """From here on; what has been made before is there."""

    def now():
        def broken(version):
            raise OperationalError("disk I/O error")

        monkeypatch.setattr(rule_map, "_load", broken)
        rule_map.forget_rules()

    return now


def assert_try_again(response) -> None:
    text = response.content.decode()
    assert response.status_code == 503
    assert response["Retry-After"] == "60"
    assert response["Cache-Control"] == "private, no-store"
    assert SECRET not in text
    assert "Strings" not in text
    assert "disk I/O error" not in text


@pytest.fixture
def callers(magazine) -> list[Client]:
    return [
        Client(),
        client_of(member(magazine.plan)[0]),
        client_of(UserFactory(is_superuser=True)),
        with_token(UserFactory(is_superuser=True)),
    ]


@pytest.mark.parametrize("address", ["/sitemap.xml", "/feed/", "/search/", "/suggest/", "/teasers/"])
def test_lists_are_not_there(callers, unreadable, address):
    unreadable()
    for caller in callers:
        assert_try_again(caller.get(address))


def test_a_members_feed_is_not_there(magazine, unreadable):
    user, _contract = member(magazine.plan)
    address = f"/feed/{token_of(feed_address(user=user))}/"
    unreadable()
    assert_try_again(Client().get(address))
    assert Client().get("/feed/wrong/").status_code == 404


@pytest.fixture(params=["hidden", "teaser"])
def mode(request, settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "API_CLOSED_PAGES": request.param}


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("version", ["v2", "v3"])
def test_apis_answer_in_their_own_words(magazine, callers, unreadable, version):
    unreadable()
    pk = magazine.article.pk
    for caller in callers:
        for rest in (
            "pages/",
            f"pages/{pk}/",
            "pages/find/?html_path=/magazine/strings/",
            "documents/",
            "images/",
            "documents/1/",
        ):
            response = caller.get(f"/api/{version}/{rest}")
            assert_try_again(response)
            said = json.loads(response.content)
            assert "try again" in said["message" if version == "v2" else "detail"]
            assert (
                response["Content-Type"]
                == {"v2": "application/json", "v3": "application/problem+json"}[version]
            )


def test_api_v2_in_a_browser_says_so_too(callers, unreadable):
    unreadable()
    for caller in callers:
        assert_try_again(caller.get("/api/v2/pages/?format=api"))


def test_programs_get_json_of_any_view(unreadable):
    unreadable()
    response = Client(headers={"Accept": "application/json"}).get("/search/")
    assert_try_again(response)
    assert json.loads(response.content)["reason"] == "rules_unreadable"


def test_all_is_there_again_at_once(magazine, unreadable, monkeypatch):
    unreadable()
    client = client_of(member(magazine.plan)[0])
    assert client.get("/search/").status_code == 503
    monkeypatch.undo()
    assert "Strings" in client.get("/search/").content.decode()


def test_other_errors_are_not_hidden(settings):
    class Broken(Feed):
        def get_object(self, request):
            raise RuntimeError("something else")

    settings.ROOT_URLCONF = urls_with(path("broken/", Broken()))
    with pytest.raises(RuntimeError):
        Client().get("/broken/")
