"""Feed, sitemap, search and head of the sandbox's pages: what closed pages say there."""

import json
import re

import pytest
from django.test import Client
from wagtail.models import Page

from cms_billing.paywall.feed_services import feed_address
from cms_billing.paywall.feeds import token_of
from cms_billing.paywall.selectors import decisions_for
from cms_billing.testing.factories import UserFactory
from sandbox.site.models import ArticlePage

pytestmark = pytest.mark.usefixtures("demo")


@pytest.fixture
def closed() -> ArticlePage:
    from django.contrib.auth.models import AnonymousUser

    from cms_billing.core import clock

    articles = list(ArticlePage.objects.live())
    decisions = decisions_for(articles, AnonymousUser(), today=clock.today())
    return next(article for article in articles if not decisions[article.pk].granted)


def sentence_of(article: ArticlePage) -> str:
    """Words from the middle of its text."""
    text = next(block.value.source for block in article.body if block.block_type == "text")
    return max(re.split(r"<[^>]+>|&[a-z]+;", text), key=len)[:60]


def test_the_feed_has_teasers_and_a_members_address_answers(closed):
    public = Client().get("/magazin/feed/").content.decode()
    assert closed.title in public
    assert sentence_of(closed) not in public
    stranger = UserFactory()
    own = Client().get(f"/magazin/feed/{token_of(feed_address(user=stranger))}/")
    assert sentence_of(closed) not in own.content.decode()
    boss = UserFactory(is_superuser=True)
    own = Client().get(f"/magazin/feed/{token_of(feed_address(user=boss))}/")
    assert sentence_of(closed) in own.content.decode()


def test_the_account_gives_renews_and_ends_an_address(client, settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "MEMBER_FEED": "member_feed"}
    client.force_login(UserFactory(), backend="django.contrib.auth.backends.ModelBackend")
    page = "/billing/account/feed/"

    def shown() -> list[str]:
        return re.findall(
            r'value="(http://testserver/magazin/feed/[^"]+)"', client.get(page).content.decode()
        )

    assert shown() == []
    client.post(page, {"renew": ""})
    [first] = shown()
    assert Client().get(first).status_code == 200
    client.post(page, {"renew": ""})
    [second] = shown()
    assert Client().get(first).status_code == 404
    client.post(page, {"revoke": ""})
    assert shown() == []
    assert Client().get(second).status_code == 404
    settings.CMS_BILLING = {**settings.CMS_BILLING, "MEMBER_FEED": ""}
    assert client.get(page).status_code == 404


def test_search_finds_closed_pages_by_their_title_with_their_teaser(client, closed):
    page = client.get("/suche/", {"q": closed.title})
    assert [result.pk for result in page.context["closed"]][:1] == [closed.pk]
    assert closed.pk not in [result.pk for result in page.context["page_obj"]]
    assert sentence_of(closed) not in page.content.decode()
    assert page.context["page_obj"].paginator.count == len(page.context["page_obj"])


def test_teaser_and_full_text_tell_search_engines_the_same(client, closed):
    def told() -> dict:
        page = client.get(closed.url).content.decode()
        [text] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
        return json.loads(text)

    teaser = told()
    assert teaser["isAccessibleForFree"] is False
    client.force_login(UserFactory(is_superuser=True), backend="django.contrib.auth.backends.ModelBackend")
    assert told() == teaser


@pytest.mark.parametrize("moved", [False, True])
def test_no_page_gives_guests_a_cookie(settings, closed, moved):
    """Also where the clock can be moved: its banner is in every page."""
    settings.CMS_BILLING = {**settings.CMS_BILLING, "TIME_MACHINE": moved}
    for address in ("/", "/magazin/", closed.url, Page.objects.get(slug="impressum").url):
        response = Client().get(address)
        assert response.status_code == 200
        assert not response.cookies
        assert ("cms-billing-time-machine" in response.content.decode()) is moved
