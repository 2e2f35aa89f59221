"""Which files of closed collections a page shows to readers who may not have them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from wagtail.models import Page

from cms_billing.paywall.files import used
from cms_billing.paywall.files.services import set_collection_rule
from cms_billing.paywall.files.used import closed_files_of
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.terms import OpensTo, RuleTerms
from cms_billing.testing.factories import PlanFactory
from tests.testsite.models import ChapterPage, StoryPage

from .conftest import TODAY
from .files import new_collection, new_document, new_image

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(magazine):
    """A collection that is closed like the magazine, and an open chapter outside of it."""
    collection = new_collection()
    set_collection_rule(collection=collection, plans=[magazine.plan])
    magazine.collection, magazine.image = collection, new_image(collection)
    magazine.document = new_document(collection)
    return magazine


def shown(image) -> str:
    return f'<embed embedtype="image" id="{image.pk}" format="left" alt=""/>'


def chapter(parent: Page, body: str) -> ChapterPage:
    return Page.objects.get(pk=parent.pk).add_child(instance=ChapterPage(title="Chords", body=body))


def titles(page) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(found.kind, found.collection, found.fields) for found in closed_files_of(page, today=TODAY)]


def test_open_page_with_picture_and_link(shelf):
    link = f'<p><a linktype="document" id="{shelf.document.pk}">Handbook</a></p>'
    page = chapter(shelf.home, shown(shelf.image) + link)
    assert titles(page) == [("document", "Course", ("body",)), ("image", "Course", ("body",))]
    assert {found.id for found in closed_files_of(page, today=TODAY)} == {shelf.document.pk, shelf.image.pk}


def test_open_files_are_nothing_to_tell(shelf):
    assert not titles(chapter(shelf.home, shown(new_image(new_collection("Covers")))))


def test_page_that_the_same_plan_opens(shelf):
    page = chapter(shelf.section, shown(shelf.image))
    assert not titles(page)
    set_rule(page=page, plans=[shelf.plan, PlanFactory(issuer=shelf.plan.issuer)])
    assert titles(page), "members of the other plan read the page without its picture"
    set_rule(page=page, terms=RuleTerms(opens_to=OpensTo.EVERYONE))
    assert titles(page)


def test_page_that_is_free_for_some_days(shelf):
    """It takes along what its own members have, and nothing else."""
    page = chapter(shelf.section, shown(shelf.image))
    set_rule(page=page, plans=[shelf.plan], terms=RuleTerms(free_until=TODAY))
    assert not titles(page)
    set_rule(page=page, plans=[PlanFactory(issuer=shelf.plan.issuer)], terms=RuleTerms(free_until=TODAY))
    assert titles(page)


def test_draft_is_told_before_it_is_published(shelf):
    page = chapter(shelf.home, "<p>No picture yet.</p>")
    page.body = shown(shelf.image)
    page.save_revision()
    assert not titles(ChapterPage.objects.get(pk=page.pk))
    assert titles(page.get_latest_revision_as_object())


def story(image, *, seen_by: str, around: str = "") -> StoryPage:
    inner = [{"type": "text", "value": shown(image), "id": "inner"}]
    some = {"visible_to": seen_by, "visible_plans": [], "content": inner}
    text = {"type": "text", "value": around, "id": "beside"}
    return StoryPage(title="Story", body=[{"type": "for_some", "value": some, "id": "some"}, text])


def test_picture_in_a_block_for_members_is_nothing_to_tell(shelf):
    assert not titles(story(shelf.image, seen_by="members"))
    assert not titles(story(shelf.image, seen_by="plans"))
    for seen_by in ("guests", "everyone"):
        assert titles(story(shelf.image, seen_by=seen_by)) == [("image", "Course", ("body",))]
    assert titles(story(shelf.image, seen_by="members", around=shown(shelf.image))), "it stands beside, too"


@pytest.fixture
def same_rules(shelf, monkeypatch):
    """As in a process that knows the rules: inside a test's transaction they would be read each time."""
    known = used.current_rules()
    monkeypatch.setattr(used, "current_rules", lambda: known)


def test_as_many_queries_for_one_picture_as_for_many(shelf, same_rules):
    def queries(count: int) -> int:
        pictures = [new_image(shelf.collection, f"{number}.png") for number in range(count)]
        page = chapter(shelf.home, "".join(map(shown, pictures)))
        titles(page)
        with CaptureQueriesContext(connection) as asked:
            assert len(titles(page)) == count
        return len(asked)

    assert queries(1) == queries(8) <= 3


def test_no_query_where_all_collections_are_open_to_readers(shelf, same_rules, django_assert_num_queries):
    page = chapter(shelf.section, shown(shelf.image))
    with django_assert_num_queries(0):
        assert not titles(page)
