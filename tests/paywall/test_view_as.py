"""Editors see a page as each visitor gets it; nobody else sees a preview at all."""

from dataclasses import replace
from datetime import date

import pytest
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path

from cms_billing.paywall.rules import (
    OpensTo,
    OpensWith,
    Reason,
    Rule,
    RulePlan,
    RuleTerms,
)
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.view_as import GUEST, ViewAs, visitor_called, visitors
from cms_billing.testing.factories import UserFactory
from tests.testsite.models import StoryPage
from tests.urls import urlpatterns as site_urls

from .conftest import client_of, member
from .test_admin import rule_address, staff

TODAY = date(2026, 3, 31)
PLAN, OTHER = RulePlan(1, "Membership"), RulePlan(2, "Course")
RULE = Rule(page_id=7, page_title="Magazine", plans=(PLAN, OTHER), quota=3, gifts=1, opens_after_days=7)


@pytest.mark.parametrize(
    ("key", "reason", "opens_with"),
    [
        ("guest", Reason.NO_LOGIN, OpensWith.LOGIN),
        ("user", Reason.NO_PLAN, OpensWith.PLAN),
        ("member-1", Reason.MEMBER, OpensWith.NOTHING),
        ("member-2", Reason.MEMBER, OpensWith.NOTHING),
        ("arrears-1", Reason.ARREARS_BUT_OPEN, OpensWith.PAYMENT),
        ("arrears-2", Reason.IN_ARREARS, OpensWith.PAYMENT),
        ("arrears-3", Reason.IN_ARREARS, OpensWith.PAYMENT),
        ("locked", Reason.LOCKED, OpensWith.PAYMENT),
        ("ended", Reason.ENDED, OpensWith.PLAN),
        ("not_started", Reason.NOT_STARTED, OpensWith.START),
        ("new", Reason.NOT_YET, OpensWith.WAIT),
        ("quota", Reason.FREE_READ, OpensWith.NOTHING),
        ("used_up", Reason.NO_LOGIN, OpensWith.LOGIN),
        ("gift", Reason.GIFT, OpensWith.NOTHING),
    ],
)
def test_each_visitor_meets_their_own_answer(key, reason, opens_with):
    rule = replace(RULE, closes_at=2)
    decision = visitor_called(key, visitors(rule)).decide(rule, today=TODAY)
    assert (decision.reason, decision.opens_with) == (reason, opens_with)


def test_visitors_are_those_whose_answers_differ():
    plain = replace(RULE, quota=None, gifts=None, opens_after_days=None, plans=(PLAN,))
    keys = [visitor.key for visitor in visitors(plain)]
    assert keys == [
        "guest", "user", "member-1", "arrears-1", "arrears-2", "arrears-3", "locked", "ended", "not_started",
    ]  # fmt: skip
    assert [visitor.key for visitor in visitors(None)] == ["guest", "user"]
    assert "member-2" in [visitor.key for visitor in visitors(None, [OTHER])]


def test_a_rule_that_is_tried_stands_in_for_the_pages_but_not_for_blocks():
    guest = replace(GUEST, tried=replace(RULE, opens_to=OpensTo.EVERYONE))
    assert guest.decide(RULE, today=TODAY).granted
    assert guest.decide(None, today=TODAY).granted
    assert not guest.decide(replace(RULE, page_id=0), today=TODAY).granted


def test_free_days_are_free_for_guests_in_the_preview_too():
    assert GUEST.decide(replace(RULE, free_until=TODAY), today=TODAY).reason is Reason.FREE_NOW
    assert ViewAs("locked", PLAN).decide(replace(RULE, free_until=TODAY), today=TODAY).granted


# --- in the admin

FULL = "omega for all who may read"
FOR_MEMBERS = "only for members"
FOR_GUESTS = "become a member"


@pytest.fixture
def story(magazine):
    def quote(text, visible_to):
        return "quote", {"text": text, "visible_to": visible_to, "visible_plans": []}

    body = [
        ("line", "alpha"),
        quote(FOR_GUESTS, "guests"),
        ("divider", None),
        ("line", FULL),
        quote(FOR_MEMBERS, "members"),
    ]
    page = magazine.section.add_child(instance=StoryPage(title="Story", slug="story", body=body))
    terms = RuleTerms(preview="divider", quota=2, closes_at=3)
    set_rule(page=magazine.section, plans=[magazine.plan], terms=terms)
    return page


def seen_as(client, page, key: str):
    return client.get(f"{rule_address(page)}as/{key}/")


@pytest.mark.django_db
def test_draft_is_shown_as_each_visitor_gets_it(magazine, story):
    story.title = "A draft of it"
    story.save_revision()
    editor = client_of(staff("change_page", page=magazine.section))
    answers = {
        "guest": (200, False),
        "user": (200, False),
        f"member-{magazine.plan.pk}": (200, True),
        "arrears-2": (200, True),
        "arrears-3": (402, False),
        "locked": (402, False),
        "ended": (200, False),
        "not_started": (200, False),
        "quota": (200, True),
        "used_up": (200, False),
    }
    for key, (status, full) in answers.items():
        response = seen_as(editor, story, key)
        text = response.content.decode()
        assert (response.status_code, FULL in text, FOR_MEMBERS in text) == (status, full, full), key
        assert "A draft of it" in text
        assert "private" in response["Cache-Control"]
        assert "paywall-mark" not in text
    assert FOR_GUESTS in seen_as(editor, story, "guest").content.decode()


@pytest.mark.django_db
def test_page_of_the_switcher_says_why(magazine, story):
    editor = client_of(staff("change_page", page=magazine.section))
    text = editor.get(f"{rule_address(story)}view-as/").content.decode()
    assert "Closed: nobody is logged in" in text
    assert f"{rule_address(story)}as/guest/" in text
    text = editor.get(f"{rule_address(story)}view-as/locked/").content.decode()
    assert "is locked because of unpaid invoices: R-2026-00042" in text
    assert "Pay what is owed" in text
    assert editor.get(f"{rule_address(story)}view-as/nobody/").status_code == 404


@pytest.mark.django_db
def test_nobody_without_rights_on_the_page_looks_as_anybody(magazine, story, client):
    other = magazine.home.add_child(title="Other", slug="other")
    stranger = staff("change_page", "publish_page", page=other)
    for name in ("as/guest/", f"as/member-{magazine.plan.pk}/", "view-as/"):
        for browser in (client, client_of(UserFactory()), client_of(stranger)):
            response = browser.get(f"{rule_address(story)}{name}")
            assert response.status_code == 302
            assert FULL not in response.content.decode()


@pytest.mark.django_db
def test_preview_panel_offers_the_visitors_where_the_page_class_says_so(magazine, story):
    modes = dict(story.preview_modes)
    assert modes["paywall:guest"] == "Guest"
    assert modes[f"paywall:member-{magazine.plan.pk}"] == "Member: Membership"
    editor = client_of(UserFactory(is_superuser=True))
    address = f"/admin/pages/{story.pk}/view_draft/"
    assert FULL in editor.get(address).content.decode()
    assert FULL in editor.get(address, {"mode": f"paywall:member-{magazine.plan.pk}"}).content.decode()
    for mode in ("paywall:guest", "paywall:gone", "paywall:locked"):
        assert FULL not in editor.get(address, {"mode": mode}).content.decode()


# --- previews and shared drafts leak nothing


@pytest.mark.django_db
def test_addresses_of_previews_are_refused_to_others(magazine, story, client):
    reader, _contract = member(magazine.plan)
    stranger = staff("change_page", page=magazine.home.add_child(title="Other", slug="other"))
    revision = story.save_revision()
    addresses = [
        f"/admin/pages/{story.pk}/edit/preview/",
        f"/admin/pages/{story.pk}/edit/preview/?mode=paywall:member-{magazine.plan.pk}",
        f"/admin/pages/{story.pk}/view_draft/",
        f"/admin/pages/{story.pk}/revisions/{revision.pk}/view/",
    ]
    for address in addresses:
        for browser in (client, client_of(UserFactory()), client_of(reader), client_of(stranger)):
            response = browser.get(address)
            assert response.status_code in (302, 403)
            assert FULL not in response.content.decode()


@pytest.mark.django_db
def test_visitors_of_the_site_choose_nobody_by_parameters(magazine, story, client):
    for query in ("?mode=paywall:member-1", "?view_as=member-1", "?preview=1&in_preview_panel=true"):
        assert FULL not in client.get(story.url + query).content.decode()


def shared_draft(request, page_id: int) -> HttpResponse:
    """As wagtail-sharing does it: the latest version at an address of its own, for whoever has it."""
    page = StoryPage.objects.get(pk=page_id).get_latest_revision_as_object()
    request.is_preview = True
    return page.serve(request)


urlpatterns = [path("shared/<int:page_id>/", shared_draft), *site_urls]


@pytest.mark.django_db
@override_settings(ROOT_URLCONF=__name__)
def test_shared_draft_is_guarded_like_the_page(magazine, story, client):
    story.save_revision()
    reader, _contract = member(magazine.plan)
    address = f"/shared/{story.pk}/"
    assert FULL not in client.get(address).content.decode()
    assert FULL not in client_of(UserFactory()).get(address).content.decode()
    assert FULL in client_of(reader).get(address).content.decode()
