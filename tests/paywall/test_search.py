"""Search finds nothing in a page for who may not read it, and its numbers agree with what it shows."""

import pytest
from django.contrib.auth.models import AnonymousUser
from wagtail.models import Page

from cms_billing.paywall.search import (
    autocomplete_visible,
    closed_to,
    search_teasers,
    search_visible,
)
from cms_billing.testing.factories import UserFactory
from sandbox.site.models import ArticlePage, MagazineIndexPage

from .conftest import TODAY, in_dunning, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def articles(magazine):
    """Their introduction is in the index: the sandbox's kind of article, below the closed section and beside it."""

    def article(parent, title: str, intro: str) -> ArticlePage:
        return parent.add_child(
            instance=ArticlePage(title=title, slug=title.lower(), author="Kim", intro=intro, body=[])
        )

    free = magazine.home.add_child(instance=MagazineIndexPage(title="Open", slug="open"))
    article(Page.objects.get(pk=magazine.section.pk), "Gut", "<p>about nylgut</p>")
    article(free, "Nylon", "<p>about nylgut and carbon</p>")
    return ArticlePage.objects.live()


def titles(results) -> set[str]:
    return {page.title for page in results}


def test_a_guest_finds_open_pages_only(magazine, articles):
    found = search_visible(articles, "nylgut", AnonymousUser(), today=TODAY)
    assert titles(found) == {"Nylon"}
    assert found.count() == 1
    assert sum(found.facet("date").values()) == 1


def test_a_member_finds_what_they_may_read_until_they_are_locked(magazine, articles):
    user, contract = member(magazine.plan)
    found = search_visible(articles, "nylgut", user, today=TODAY)
    assert titles(found) == {"Gut", "Nylon"}
    assert found.count() == 2
    in_dunning(contract, level=2, locked=True)
    assert titles(search_visible(articles, "nylgut", user, today=TODAY)) == {"Nylon"}


def test_suggestions_agree_with_results(magazine, articles):
    pages = Page.objects.live()
    user, _contract = member(magazine.plan)
    assert titles(autocomplete_visible(pages, "Gu", AnonymousUser(), today=TODAY)) == set()
    assert titles(autocomplete_visible(pages, "Gu", user, today=TODAY)) == {"Gut"}


def test_closed_pages_are_found_by_their_title_and_not_by_their_text(magazine, articles):
    def teasers(query, user=None):
        return titles(search_teasers(articles, query, user or AnonymousUser(), today=TODAY))

    assert teasers("Gut") == {"Gut"}
    assert teasers("nylgut") == set()
    assert teasers("Nylon") == set()
    user, _contract = member(magazine.plan)
    assert teasers("Gut", user) == set()
    assert teasers("Gut", UserFactory()) == {"Gut"}


def test_open_and_closed_pages_are_all_pages(magazine, articles):
    user, _contract = member(magazine.plan)
    for reader in (AnonymousUser(), UserFactory(), user):
        closed = set(closed_to(Page.objects.all(), reader, today=TODAY))
        from cms_billing.paywall.selectors import visible_to

        visible = set(visible_to(Page.objects.all(), reader, today=TODAY))
        assert closed | visible == set(Page.objects.all())
        assert not closed & visible
