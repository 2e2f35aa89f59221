"""Who sees a block: on the page, through an API, in the search index, without a request."""

from datetime import date

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils.html import conditional_escape
from wagtail.admin.compare import StreamFieldComparison
from wagtail.models import Page, ReferenceIndex

from cms_billing.paywall.services import set_rule
from cms_billing.paywall.terms import OpensTo, RuleTerms
from cms_billing.testing.factories import PlanFactory, UserFactory
from tests.testsite.models import StoryPage

from .conftest import client_of, in_dunning, member

pytestmark = pytest.mark.django_db

EVERYBODY = "a word for everybody"
MEMBERS = "a word for members"
CHOSEN = "a word for patrons"
GUESTS = "a word for guests"
INSIDE = "a word inside the wrapper"


def quote(text: str, visible_to: str, plans=()) -> dict:
    return {"text": text, "visible_to": visible_to, "visible_plans": [plan.pk for plan in plans]}


@pytest.fixture
def patrons(magazine):
    return PlanFactory(issuer=magazine.plan.issuer, name="Patrons")


@pytest.fixture
def story(magazine, patrons) -> StoryPage:
    """A page outside the closed section: everybody reads it, some of its blocks are for some."""
    story = StoryPage(title="Story", slug="story")
    story.body = [
        ("quote", quote(EVERYBODY, "everyone")),
        ("quote", quote(MEMBERS, "members")),
        ("quote", quote(CHOSEN, "plans", [patrons])),
        ("quote", quote(GUESTS, "guests")),
        ("for_some", {"visible_to": "members", "visible_plans": [], "content": [("line", INSIDE)]}),
    ]
    return magazine.home.add_child(instance=story)


def seen(response) -> set[str]:
    text = response.content.decode()
    return {word for word in (EVERYBODY, MEMBERS, CHOSEN, GUESTS, INSIDE) if word in text}


def test_each_visitor_sees_their_blocks_on_an_open_page(magazine, patrons, story, client):
    reader, _contract = member(magazine.plan)
    patron, _contract = member(patrons)
    assert seen(client.get(story.url)) == {EVERYBODY, GUESTS}
    assert seen(client_of(UserFactory()).get(story.url)) == {EVERYBODY, GUESTS}
    assert seen(client_of(reader).get(story.url)) == {EVERYBODY, MEMBERS, INSIDE}
    # The open page knows no plans of its own: members are those of the magazine.
    assert seen(client_of(patron).get(story.url)) == {EVERYBODY, CHOSEN, GUESTS}


def test_locked_and_future_members_see_neither(magazine, story):
    reader, contract = member(magazine.plan)
    in_dunning(contract, level=3, locked=True)
    early, _contract = member(magazine.plan, start=date(2026, 5, 1))
    for user in (reader, early):
        assert seen(client_of(user).get(story.url)) == {EVERYBODY}


def test_on_a_closed_page_members_are_those_it_lets_in(magazine, patrons, story):
    set_rule(page=story, plans=[patrons])
    reader, _contract = member(magazine.plan)
    patron, _contract = member(patrons)
    assert seen(client_of(reader).get(story.url)) == set()
    assert seen(client_of(patron).get(story.url)) == {EVERYBODY, MEMBERS, CHOSEN, INSIDE}


def test_on_a_free_page_inside_a_section_members_are_those_of_the_section(magazine, patrons, story):
    story.move(magazine.section, pos="last-child")
    story = StoryPage.objects.get(pk=story.pk)
    set_rule(page=story, terms=RuleTerms(opens_to=OpensTo.EVERYONE))
    set_rule(page=magazine.home.add_child(instance=Page(title="Other")), plans=[patrons])
    reader, _contract = member(magazine.plan)
    patron, _contract = member(patrons)
    assert MEMBERS in seen(client_of(reader).get(story.url))
    assert MEMBERS not in seen(client_of(patron).get(story.url))


def test_editors_see_all_blocks_with_a_mark(story, client):
    response = client_of(UserFactory(is_superuser=True)).get(story.url)
    assert seen(response) == {EVERYBODY, MEMBERS, CHOSEN, GUESTS, INSIDE}
    assert "Visible to: Only guests" in response.content.decode()
    assert "paywall-mark" not in client.get(story.url).content.decode()


def test_guests_share_one_answer_and_nobody_elses_is_kept(magazine, story, client):
    guest = client.get(story.url)
    assert "Cookie" in guest["Vary"]
    assert "Cache-Control" not in guest
    assert not guest.cookies
    for user in (member(magazine.plan)[0], UserFactory(), UserFactory(is_superuser=True)):
        assert client_of(user).get(story.url)["Cache-Control"] == "private, no-store"


def test_a_page_without_such_blocks_is_stamped_with_nothing(magazine, story):
    story.body = [("quote", quote(EVERYBODY, "everyone")), ("divider", None)]
    story.save()
    assert "Cache-Control" not in client_of(UserFactory()).get(story.url)


def test_without_a_request_there_is_a_guest(story):
    html = str(story.body)
    assert GUESTS in html
    assert EVERYBODY in html
    for word in (MEMBERS, CHOSEN, INSIDE):
        assert word not in html
        assert word not in conditional_escape(story.body[1].value)


def test_api_hands_out_no_content_of_hidden_blocks(magazine, story):
    def answer(user):
        request = RequestFactory().get("/")
        request.user = user
        return story.body.stream_block.get_api_representation(story.body, {"request": request})

    hidden = answer(AnonymousUser())
    assert hidden[1]["value"] == {"visible_to": "members"}
    assert hidden[4]["value"] == {"visible_to": "members"}
    assert hidden[3]["value"]["text"] == GUESTS
    reader, _contract = member(magazine.plan)
    shown = answer(reader)
    assert shown[1]["value"]["text"] == MEMBERS
    assert shown[4]["value"]["content"][0]["value"] == INSIDE
    assert GUESTS not in str(shown)


def test_search_index_has_what_everybody_sees(story):
    words = story.body.stream_block.get_searchable_content(story.body)
    assert words == [EVERYBODY]


def test_references_and_comparison_know_all_of_it(story, patrons):
    other = StoryPage.objects.get(pk=story.pk)
    field = StoryPage._meta.get_field("body")
    other.body[1].value["text"] = "another word"
    shown = str(StreamFieldComparison(field, story, other).htmldiff())
    assert "members" in shown
    assert list(ReferenceIndex._extract_references_from_object(story)) == []


def test_plans_without_a_plan_are_refused(story):
    block = story.body.stream_block.child_blocks["quote"]
    with pytest.raises(ValidationError) as problem:
        block.clean(block.to_python(quote("x", "plans")))
    assert "at least one plan" in str(problem.value.block_errors["visible_plans"])
    drafted = block.clean_deferred(block.to_python(quote("x", "plans")))
    assert drafted["text"] == "x"


def test_a_plan_that_is_gone_opens_nothing_and_breaks_nothing(story, patrons, client):
    patrons.delete()
    assert CHOSEN not in seen(client.get(story.url))
    assert CHOSEN not in seen(client_of(UserFactory()).get(story.url))


def test_twenty_blocks_cost_members_one_query_and_guests_none(magazine, story, client):
    reading = client_of(member(magazine.plan)[0])
    # Else rules that were changed in this transaction would be read again and again.
    connection.run_on_commit.clear()

    def queries(blocks: list, by) -> int:
        story.body = blocks
        story.save()
        by.get(story.url)
        with CaptureQueriesContext(connection) as asked:
            by.get(story.url)
        return len(asked)

    for_members = [("quote", quote(MEMBERS, "members"))] * 20
    for_all = [("quote", quote(EVERYBODY, "everyone"))] * 20
    assert queries(for_members, reading) == queries(for_all, reading) + 1
    assert queries(for_members, client) == queries(for_all, client)


def test_divider_shows_nothing_but_a_mark_for_editors(magazine, story, client):
    story.body = [("line", EVERYBODY), ("divider", None), ("line", MEMBERS)]
    story.save()
    set_rule(page=story, plans=[magazine.plan])
    reader, _contract = member(magazine.plan)
    assert "paywall-divider" not in client_of(reader).get(story.url).content.decode()
    editor = client_of(UserFactory(is_superuser=True)).get(story.url).content.decode()
    assert "The preview for guests ends here" in editor


def test_unreadable_rules_show_what_is_for_everyone(story, client, monkeypatch):
    from cms_billing.paywall import visibility
    from cms_billing.paywall.rule_map import RulesUnreadable

    def broken():
        raise RulesUnreadable("no")

    monkeypatch.setattr(visibility, "current_rules", broken)
    assert seen(client.get(story.url)) == {EVERYBODY}


def test_page_editor_offers_the_blocks(story):
    text = client_of(UserFactory(is_superuser=True)).get(f"/admin/pages/{story.pk}/edit/").content.decode()
    for label in ("Preview ends here", "Visible to some", "Only guests: anybody without a plan"):
        assert label in text
