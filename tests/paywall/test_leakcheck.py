"""The leak check finds every planted leak at its place, and none on a site that keeps to the rules."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from wagtail.models import Page

from cms_billing.faktura.models import Customer
from cms_billing.memberships.models import Contract
from cms_billing.paywall import gate
from cms_billing.paywall.leakcheck import doors
from cms_billing.paywall.leakcheck.audit import told_once
from cms_billing.paywall.leakcheck.checking import audit_in_process
from cms_billing.paywall.leakcheck.clients import quiet_site
from cms_billing.paywall.leakcheck.findings import Kind
from cms_billing.paywall.services import set_rule
from cms_billing.testing.factories import PlanFactory
from tests.testsite.models import ArticlePage

from .conftest import TODAY

pytestmark = pytest.mark.django_db

STRINGS = (
    "Wound strings lose their brightness after some twenty hours because skin and dust settle between the windings. "
    "Boil them for five minutes in plain water, dry them on a towel, and they will last another week of evenings. "
    "Whoever plays on stage should still change them before every second concert and stretch them by hand."
)
FRETS = (
    "A worn fret buzzes at one place only, so play each note slowly and mark the frets that rattle with a pencil. "
    "A luthier levels all of them at once and crowns them afterwards, which costs less than most people expect."
)


@pytest.fixture
def shelf(magazine):
    """The magazine with real texts, a section of another plan, and an open page."""
    magazine.section.body = ""
    magazine.section.save()
    magazine.article.body = STRINGS
    magazine.article.save()
    workshop = Page.objects.get(pk=magazine.home.pk).add_child(
        instance=ArticlePage(title="Workshop", slug="workshop", teaser="For those who build")
    )
    workshop.add_child(instance=ArticlePage(title="Frets", slug="frets", teaser="Frets wear.", body=FRETS))
    set_rule(page=workshop, plans=[PlanFactory(name="Workshop", issuer=magazine.plan.issuer)])
    Page.objects.get(pk=magazine.home.pk).add_child(
        instance=ArticlePage(
            title="About us", slug="about", body="We have been writing about guitars since 1987."
        )
    )
    rules_are_committed()
    return magazine


def rules_are_committed():
    """As on a site: while their change waits for a commit, every look at the rules would read all of them."""
    connection.run_on_commit.clear()


def check(*names: str, every: bool = False):
    wanted = [door for door in doors.registered_doors() if door.name in names] if names else None
    audit = audit_in_process(today=TODAY, doors=wanted)
    try:
        with quiet_site():
            found = [*audit.prepare(), *audit.run()]
        assert audit.asked == audit.total
    finally:
        audit.close()
    return found if every else list(told_once(iter(found)))


def places(found) -> set[tuple[str, str, str, str]]:
    return {(str(one.kind), one.url, one.field, one.place) for one in found}


def leaks(found):
    return [one for one in found if one.is_leak]


def texts(found):
    return [one for one in found if one.kind is Kind.TEXT]


def test_clean_site_has_no_leak(shelf):
    found = check()
    assert not found, [one.as_dict() for one in found]


def test_visitors_are_each_plan_and_those_whom_nothing_opens(shelf):
    audit = audit_in_process(today=TODAY)
    assert [visitor.label for visitor in audit.visitors] == [
        "member: Membership",
        "member: Workshop",
        "member in arrears, reminder 1, all plans",
        "member, locked by a reminder, all plans",
        "former member, all plans",
        "member from next month on, all plans",
        "logged in, without a plan",
        "guest",
    ]


def test_nothing_is_left_behind(shelf, django_user_model, mailoutbox):
    before = django_user_model.objects.count(), Customer.objects.count(), Contract.objects.count()
    check("page", "search")
    assert (django_user_model.objects.count(), Customer.objects.count(), Contract.objects.count()) == before
    assert not mailoutbox


def test_open_door_at_the_page_itself(shelf, monkeypatch):
    """A gate that lets everybody in: the page's own address is named, with the field."""
    from cms_billing.paywall import rules

    free = rules.Decision(granted=True, reason=rules.Reason.FREE)
    monkeypatch.setattr(gate, "_decide", lambda request, page: free)
    found = leaks(check("page"))
    assert ("text", "http://localhost/magazine/strings/", "body", "text") in places(found)
    frets = [one for one in check("page", every=True) if one.url == "http://localhost/workshop/frets/"]
    said = {one.visitor for one in frets if one.kind is Kind.TEXT and one.method == "GET"}
    assert "guest" in said
    assert "member: Membership" in said
    assert "member: Workshop" not in said


def test_other_page_that_prints_the_body(shelf, monkeypatch):
    monkeypatch.setattr(ArticlePage, "serve", printing(f"<main><p>New: {STRINGS[:90]} …</p></main>"))
    assert places(texts(check("other page"))) == {("text", "http://localhost/about/", "body", "text")}


MARKUP = {
    "meta og:description": '<meta property="og:description" content="{}">',
    "meta description": '<meta name="description" content="{}">',
    "img alt": '<img src="/x.png" alt="{}">',
    "a title": '<a href="/" title="{}">x</a>',
    "div data-text": '<div data-text="{}"></div>',
    "comment": "<!-- {} -->",
    "JSON-LD articleBody": '<script type="application/ld+json">{{"articleBody": "{}"}}</script>',
    "script": '<script>window.page = {{"body": "{}"}}</script>',
    "text": "<noscript><p>{}</p></noscript>",
}


def test_hidden_places_of_a_page_are_named(shelf, monkeypatch):
    everything = "".join(markup.format(STRINGS[:100]) for markup in MARKUP.values())
    monkeypatch.setattr(ArticlePage, "serve", printing(everything))
    found = texts(check("other page"))
    assert {one.place for one in found} == set(MARKUP)
    assert {(one.url, one.field, one.page) for one in found} == {
        ("http://localhost/about/", "body", "Strings")
    }


def printing(html: str):
    def serve(self, request, *args, **kwargs):
        if self.slug == "about":
            return HttpResponse(f"<!doctype html><html><head></head><body>{html}</body></html>")
        return Page.serve(self, request, *args, **kwargs)

    return serve


def test_open_api(shelf, settings, monkeypatch):
    from wagtail.api import APIField

    monkeypatch.setattr(ArticlePage, "api_fields", [APIField("body")], raising=False)
    settings.ROOT_URLCONF = "tests.paywall.leaky"
    found = leaks(check("API"))
    pk = shelf.article.pk
    assert ("text", f"/api/v2/pages/{pk}/?fields=*", "body", "json body") in places(found)
    assert any("&fields=*&limit=" in one.url and one.place.startswith("json items[") for one in found)


def test_feed_and_search_views_that_do_not_ask(shelf, settings):
    settings.ROOT_URLCONF = "tests.paywall.leaky"
    found = texts(check("feed", "search"))
    assert ("text", "/latest/feed/", "body", "xml description") in places(found)
    assert any(one.url.startswith("/search/?") and one.place == "text" for one in found)
    assert any(one.url.startswith("/complete/?") and "hint" in one.place for one in found)
    assert {one.page for one in found} == {"Strings", "Frets"}


def test_public_document_of_a_closed_page(shelf, settings):
    from wagtail.documents import get_document_model
    from wagtail.models import ReferenceIndex

    sheet = get_document_model().objects.create(
        title="Sheet", file=ContentFile(b"%PDF-1.7 notes", name="sheet.pdf")
    )
    used_by(shelf.article, sheet)
    found = leaks(check("document"))
    assert {(one.kind, one.url, one.page) for one in found} == {(Kind.FILE, sheet.url, "Strings")}
    # Used by an open page, too: everybody may have it.
    used_by(ArticlePage.objects.get(slug="about"), sheet)
    assert not check("document")
    assert ReferenceIndex.objects.exists()


def used_by(page, document):
    from django.contrib.contenttypes.models import ContentType
    from wagtail.models import ReferenceIndex

    ReferenceIndex.objects.create(
        base_content_type=ContentType.objects.get_for_model(Page),
        content_type=ContentType.objects.get_for_model(ArticlePage),
        object_id=page.pk,
        to_content_type=ContentType.objects.get_for_model(document),
        to_object_id=document.pk,
        model_path="body",
        content_path="body",
        content_path_hash=ReferenceIndex._get_content_path_hash("body"),
    )


def test_full_text_that_caches_may_keep(shelf, monkeypatch):
    monkeypatch.setattr(gate, "stamp", lambda response, decision: None)
    found = leaks(check("page"))
    cached = {one.url for one in found if one.kind is Kind.CACHED}
    assert cached == {"http://localhost/magazine/strings/", "http://localhost/workshop/frets/"}


def test_teaser_with_a_cookie_is_a_warning(shelf, monkeypatch):
    from cms_billing.paywall import views

    original = views.teaser

    def with_cookie(request, page, decision):
        response = original(request, page, decision)
        response.set_cookie("seen", "1")
        return response

    monkeypatch.setattr(views, "teaser", with_cookie)
    found = check("page")
    assert {(one.kind, one.place) for one in found} == {(Kind.TEASER, "Set-Cookie")}
    assert not leaks(found)


def test_what_the_teaser_shows_is_no_leak(shelf):
    """A teaser that is the beginning of the text is public wherever it stands."""
    shelf.article.teaser = STRINGS[:110]
    shelf.article.save()
    assert not check("page", "other page")


def test_open_copy_of_a_closed_page_is_a_warning_and_does_not_blind_the_check(shelf, monkeypatch):
    Page.objects.get(pk=shelf.home.pk).add_child(
        instance=ArticlePage(title="Sample", slug="sample", body=STRINGS)
    )
    found = check("other page")
    assert ("copy", "http://localhost/sample/", "body", "") in places(found)


def test_own_door(shelf):
    class Printer:
        name = "printer"

        def probes(self, ground):
            yield doors.Probe(self.name, "/about/", page_id=shelf.article.pk)

    doors.register_door(Printer())
    try:
        assert "printer" in [door.name for door in doors.registered_doors()]
        assert not check("printer")
    finally:
        doors._doors.pop("printer")


def test_command_is_green_on_a_clean_site(shelf):
    out = StringIO()
    call_command("billing_leakcheck", "--pages=1", "--door=page", "--door=feed", stdout=out)
    assert "0 leaks" in out.getvalue()
    assert "✓ page" in out.getvalue()


def test_command_says_where_and_exits_with_one(shelf, monkeypatch):
    monkeypatch.setattr(ArticlePage, "serve", printing(f"<p>{STRINGS}</p>"))
    out = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("billing_leakcheck", "--door=other page", stdout=out)
    assert stopped.value.code == 1
    text = out.getvalue()
    assert "✗ other page" in text
    assert "GET http://localhost/about/" in text
    assert "Strings · body · text" in text
    assert "wound strings lose their brightness" in text


def test_command_speaks_json(shelf, monkeypatch):
    monkeypatch.setattr(ArticlePage, "serve", printing(f"<p>{STRINGS}</p>"))
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("billing_leakcheck", "--door=other page", "--json", stdout=out)
    data = json.loads(out.getvalue())
    assert data["leaks"] == 2
    assert data["findings"][0]["url"] == "http://localhost/about/"
    assert data["findings"][0]["rule_page_id"] == shelf.section.pk


def test_section_limits_the_check(shelf):
    audit = audit_in_process(today=TODAY, section=Page.objects.get(slug="workshop"))
    list(audit.prepare())
    assert audit.closed == 2
