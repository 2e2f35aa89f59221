"""Why a page is open or closed: the sentence, the rules that were looked at, and what comes out of each door."""

from datetime import UTC, date, datetime

import pytest
from django.contrib.auth.models import AnonymousUser
from wagtail.documents import get_document_model
from wagtail.models import ReferenceIndex

from cms_billing.paywall import texts
from cms_billing.paywall.explanation import explain
from cms_billing.paywall.rules import (
    Decision,
    Holding,
    OpensTo,
    OpensWith,
    Preview,
    Reason,
    Rule,
    RulePlan,
    RuleTerms,
    Visitor,
    decide,
)
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.sharing import services as sharing
from cms_billing.paywall.sharing.selectors import Reader
from cms_billing.testing.factories import UserFactory
from tests.testsite.models import ChapterPage

from .conftest import client_of, in_dunning, member
from .test_admin import staff

TODAY = date(2026, 3, 31)
NOW = datetime(2026, 3, 31, 9, 0, tzinfo=UTC)
PLAN = RulePlan(1, "Membership")
RULE = Rule(page_id=7, page_title="Magazine", plans=(PLAN,))
HELD = Holding(
    contract_id=1, contract="V-1", plan_id=1, plan="Membership", begun=True, start=date(2026, 1, 1)
)


def said(**terms) -> str:
    rule = Rule(**{**vars(RULE), **terms})
    return texts.sentence(decide(rule, visitor=Visitor.GUEST, today=TODAY))


def test_dates_on_which_all_may_read_are_named():
    until = said(free_until=date(2026, 4, 30))
    assert until == "Open to everyone through 04/30/2026, by the rule on “Magazine”."
    since = said(free_from=date(2026, 3, 1))
    assert since == "Open to everyone since 03/01/2026, by the rule on “Magazine”."
    later = said(free_from=date(2026, 5, 1))
    assert later == (
        "Closed: nobody is logged in. Opens with: Membership. Open to everyone from 05/01/2026 on."
    )
    both = said(free_until=date(2026, 3, 31), free_from=date(2026, 12, 1))
    assert both.startswith("Open to everyone through 03/31/2026")


def test_level_at_which_the_section_closes_is_named():
    rule = Rule(**{**vars(RULE), "closes_at": 2})
    decision = Decision(
        granted=False, reason=Reason.IN_ARREARS, opens_with=OpensWith.PAYMENT, rule=rule, holding=HELD
    )
    assert "“Magazine” closes from reminder 2 on, and opens as soon as they are paid." in texts.sentence(
        decision
    )


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence_in_german(reason, settings):
    from django.utils import translation

    decision = Decision(granted=False, reason=reason, rule=RULE, holding=HELD)
    with translation.override("de"):
        german = texts.sentence(decision)
    with translation.override("en"):
        assert german != texts.sentence(decision)


@pytest.mark.django_db
def test_chain_of_rules_is_shown_nearest_first(magazine):
    set_rule(page=magazine.article, terms=RuleTerms(opens_to=OpensTo.SECTION, opens_on=date(2026, 6, 1)))
    reader, _contract = member(magazine.plan)
    explanation = explain(magazine.article, reader, day=TODAY)
    assert explanation.decision.reason is Reason.NOT_YET
    assert explanation.opens_with == ["Wait until it opens"]
    assert [(seen.rule.page_title, seen.decides) for seen in explanation.rules] == [
        ("Strings", True),
        ("Magazine", False),
    ]
    assert ("For members", "from 06/01/2026 on") in explanation.rules[0].terms


def doors_of(page, user) -> dict[str, tuple[bool, str]]:
    return {door.name: (door.open, door.says) for door in explain(page, user, day=TODAY).doors}


@pytest.mark.django_db
def test_each_door_says_what_comes_out_of_it(magazine):
    set_rule(
        page=magazine.section,
        plans=[magazine.plan],
        terms=RuleTerms(preview=Preview.PERCENT, preview_amount=20),
    )
    reader, contract = member(magazine.plan)
    outside = "what guests see: the first 20 % of the text"
    assert doors_of(magazine.article, reader) == {
        "The page itself": (True, "full text"),
        "Listings and search": (True, "shows it"),
        "API": (True, "shows it"),
        "Search engines, feeds, mails": (False, outside),
    }
    in_dunning(contract, level=3, locked=True)
    locked = doors_of(magazine.article, reader)
    assert locked["The page itself"] == (False, "the page with what is owed (402)")
    assert locked["API"] == (False, "leaves it out")
    assert doors_of(magazine.home, reader)["Search engines, feeds, mails"] == (True, "full text")


@pytest.mark.django_db
def test_editors_of_a_page_read_it_but_listings_take_them_for_members(magazine):
    editor = staff("change_page", page=magazine.section)
    doors = doors_of(magazine.article, editor)
    assert doors["The page itself"] == (True, "full text")
    assert doors["Listings and search"] == (False, "leaves it out")


@pytest.mark.django_db
def test_files_of_the_page_are_counted(magazine):
    document = get_document_model().objects.create(title="Tabs", file="tabs.pdf")
    body = f'<p><a linktype="document" id="{document.pk}">Tabs</a></p>'
    page = magazine.section.add_child(instance=ChapterPage(title="Chapter", body=body))
    ReferenceIndex.create_or_update_for_object(page)
    says = doors_of(page, UserFactory())["Documents and images in it"]
    assert says == (True, "0 of 1 are in protected collections")


@pytest.mark.django_db
def test_page_for_support_shows_all_of_it(magazine):
    support = client_of(UserFactory(is_superuser=True))
    text = support.get(f"/admin/billing-paywall/explain/?page={magazine.article.pk}").content.decode()
    for words in ("What comes out of each door", "Rules at the page and above it", "This one decides."):
        assert words in text


@pytest.mark.django_db
def test_user_bar_says_what_closes_the_page_and_leads_to_the_guests_view(magazine):
    text = client_of(UserFactory(is_superuser=True)).get(magazine.article.url).content.decode()
    if "wagtail-userbar" in text:
        assert "Closed through section “Magazine”" in text
        assert f"/admin/billing-paywall/pages/{magazine.article.pk}/view-as/" in text


@pytest.fixture
def sharing_magazine(magazine):
    """Three pages of the magazine are free each month, and members give two away."""
    set_rule(page=magazine.section, plans=[magazine.plan], terms=RuleTerms(quota=3, gifts=2))
    return magazine


@pytest.mark.django_db
def test_free_reads_of_the_account_are_looked_at(sharing_magazine):
    reader, article = UserFactory(), sharing_magazine.article
    before = explain(article, reader, day=TODAY)
    assert before.decision.reason is Reason.NO_PLAN
    assert before.opens_with == ["Choose a plan", "a free page: 3 are left", "a gift link of a member"]
    assert before.without_plan == ["3 of 3 free pages are left this month."]
    rule = before.decision.rule
    sharing.read_free(reader=Reader(reader.pk), page=article, rule=rule, today=TODAY, now=NOW)
    after = explain(article, reader, day=TODAY)
    assert after.decision.reason is Reason.FREE_READ
    assert after.sentence.startswith("Open as one of this month's free pages; 2 left.")
    assert after.without_plan == ["Has read this page free this month (2 of 3 left)."]
    assert doors_of(article, reader)["Listings and search"] == (False, "leaves it out")
    next_month = explain(article, reader, day=date(2026, 4, 1))
    assert next_month.decision.reason is Reason.NO_PLAN
    assert explain(article, AnonymousUser(), day=TODAY).without_plan == [
        "Guests read 3 pages of the section free each month."
    ]


@pytest.mark.django_db
def test_working_gift_links_are_named_to_who_may_see_them(sharing_magazine):
    giver, contract = member(sharing_magazine.plan)
    article, boss = sharing_magazine.article, UserFactory(is_superuser=True)
    sharing.create_gift(giver=giver, page=article, today=TODAY, now=NOW)
    [said] = explain(article, AnonymousUser(), day=TODAY, asker=boss).without_plan[1:]
    assert said.startswith(f"A gift link of {giver} opens it until ")
    assert explain(article, AnonymousUser(), day=TODAY, asker=staff()).without_plan[1:] == []
    in_dunning(contract, level=3, locked=True)
    assert explain(article, AnonymousUser(), day=TODAY, asker=boss).without_plan[1:] == []


@pytest.mark.django_db
def test_nothing_but_payment_opens_what_is_locked(sharing_magazine):
    reader, contract = member(sharing_magazine.plan)
    in_dunning(contract, level=3, locked=True)
    assert explain(sharing_magazine.article, reader, day=TODAY).opens_with == ["Pay what is owed"]
