"""Feeds: the teaser for everybody, the text at a member's own address, decided at every fetch."""

import pytest
from django.test import Client
from django.urls import path

from cms_billing.paywall.feed_services import feed_address, renew_feed_address, revoke_feed_address
from cms_billing.paywall.feeds import PaywallFeed, token_of
from cms_billing.paywall.models import FeedAddress
from cms_billing.paywall.services import remove_rule, set_rule
from cms_billing.paywall.terms import RuleTerms
from cms_billing.testing.factories import UserFactory
from tests.testsite.models import ArticlePage

from .apis import urls_with
from .conftest import SECRET, TODAY, client_of, in_dunning, member

pytestmark = pytest.mark.django_db


class MagazineFeed(PaywallFeed):
    title = "Magazine"
    link = "/magazine/"
    description = "All articles"

    def items(self, obj):
        return ArticlePage.objects.live().order_by("path")

    def item_full_text(self, page):
        return f"<p>{page.body}</p>"


@pytest.fixture(autouse=True)
def feed(settings):
    view = MagazineFeed()
    settings.ROOT_URLCONF = urls_with(path("feed/", view), path("feed/<str:token>/", view))


def fetch(user=None, client=None, **headers):
    address = f"/feed/{token_of(feed_address(user=user))}/" if user else "/feed/"
    return (client or Client(headers=headers)).get(address)


def test_everybody_gets_teasers(magazine):
    response = fetch()
    text = response.content.decode()
    assert "How to choose strings." in text
    assert "http://localhost/magazine/strings/" in text
    assert SECRET not in text
    assert "Cache-Control" not in response
    assert not response.cookies


def test_the_public_address_gives_a_member_no_more(magazine):
    """One answer for all: caches need not know who asks."""
    user, _contract = member(magazine.plan)
    response = fetch(client=client_of(user))
    assert SECRET not in response.content.decode()
    assert response.content == fetch().content


def test_a_member_reads_at_their_own_address_which_nobody_keeps(magazine):
    user, _contract = member(magazine.plan)
    response = fetch(user)
    assert SECRET in response.content.decode()
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert "Last-Modified" not in response
    assert not response.cookies


def test_every_fetch_decides_anew(magazine):
    user, contract = member(magazine.plan)
    assert SECRET in fetch(user).content.decode()
    in_dunning(contract, level=2, locked=True)
    text = fetch(user).content.decode()
    assert SECRET not in text
    assert "How to choose strings." in text


def test_an_open_page_is_whole_in_every_feed(magazine):
    remove_rule(page=magazine.section)
    assert SECRET in fetch().content.decode()


def test_an_altered_or_revoked_address_leads_nowhere(magazine):
    user, _contract = member(magazine.plan)
    token = token_of(feed_address(user=user))
    other = token_of(feed_address(user=UserFactory()))
    swapped = f"{token.split('-')[0]}-{other.split('-')[1]}"
    for wrong in (token[:-1], token + "x", swapped, token.upper(), "1-1.x", ".", "%00"):
        assert Client().get(f"/feed/{wrong}/").status_code == 404
    renewed = token_of(renew_feed_address(user=user))
    assert renewed != token
    assert Client().get(f"/feed/{token}/").status_code == 404
    assert SECRET in Client().get(f"/feed/{renewed}/").content.decode()
    assert revoke_feed_address(user=user)
    assert not revoke_feed_address(user=user)
    assert Client().get(f"/feed/{renewed}/").status_code == 404


def test_the_address_of_a_closed_account_leads_nowhere(magazine):
    user, _contract = member(magazine.plan)
    token = token_of(feed_address(user=user))
    user.is_active = False
    user.save()
    assert Client().get(f"/feed/{token}/").status_code == 404


def test_a_user_has_one_address(magazine):
    user = UserFactory()
    assert feed_address(user=user) == feed_address(user=user)
    assert FeedAddress.objects.count() == 1


def test_a_feed_is_kept_no_longer_than_its_pages_stay_free(magazine):
    set_rule(page=magazine.section, plans=[magazine.plan], terms=RuleTerms(free_until=TODAY))
    response = fetch()
    assert SECRET in response.content.decode()
    # 31 March, 11 in Berlin: 13 hours are left, an hour at most is promised.
    assert response["Cache-Control"] == "max-age=3600"


def test_the_text_of_a_mail_client_has_whole_addresses(magazine):
    page = magazine.home.add_child(
        instance=ArticlePage(title="Free", slug="free", body='<a href="/x/">x</a>')
    )
    assert page.live
    assert "http://localhost/x/" in fetch().content.decode()
