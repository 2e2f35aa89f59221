"""A leak planted in each door that the paywall guards is found there, at its place; the doors themselves are clean."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.safestring import mark_safe
from wagtail.models import Page
from wagtail.rich_text import RichText

from cms_billing.paywall import api_v3, excerpts, gate, rules
from cms_billing.paywall.files import gate as file_gate
from cms_billing.paywall.files.services import set_collection_rule
from cms_billing.paywall.leakcheck import mail_door, register_mail
from cms_billing.paywall.leakcheck.findings import Kind
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.templatetags import cms_billing_paywall_content
from cms_billing.testing.factories import PlanFactory
from tests.testsite.models import ArticlePage, StoryPage

from .files import new_collection, new_document, new_image
from .test_leakcheck import STRINGS, check, leaks, places, printing, rules_are_committed, shelf, texts

pytestmark = pytest.mark.django_db
FREE = rules.Decision(granted=True, reason=rules.Reason.FREE)
LEAKY = "tests.paywall.leaky_doors"
__all__ = ["shelf"]


def urls(found) -> set[str]:
    return {one.url for one in found}


# Previews, views and lists


def test_shared_preview_and_views_that_take_a_page(shelf, settings):
    shelf.article.save_revision()
    settings.ROOT_URLCONF = LEAKY
    found = texts(check("view"))
    revision = Page.objects.get(pk=shelf.article.pk).latest_revision_id
    assert {f"/shared/{revision}/", f"/print/{shelf.article.pk}/"} <= urls(found)
    assert "Strings" in {one.page for one in found}


def test_previews_of_the_admin(shelf, settings):
    """Wagtail asks who may edit; a view of a site's own at that address might not."""
    shelf.article.save_revision()
    last = Page.objects.get(pk=shelf.article.pk).latest_revision_id
    settings.ROOT_URLCONF = "tests.paywall.leaky_previews"
    pages = f"/admin/pages/{shelf.article.pk}"
    assert {f"{pages}/view_draft/", f"{pages}/revisions/{last}/view/"} <= urls(texts(check("admin")))


def test_redirect_to_a_text_is_followed(shelf, settings):
    settings.ROOT_URLCONF = LEAKY
    assert "/new-place/7/" in urls(texts(check("view")))


def test_sitemap_and_autocomplete(shelf, settings):
    settings.ROOT_URLCONF = LEAKY
    found = texts(check("feed", "search"))
    assert ("text", "/sitemap.xml", "body", "xml caption") in places(found)
    assert any(one.url.startswith("/autocomplete/?") and one.place.startswith("json") for one in found)


def test_api_v3_without_its_guard(shelf, settings, monkeypatch):
    from wagtail.api import APIField

    from .apis import v3

    settings.ROOT_URLCONF = v3()
    assert not check("API")
    monkeypatch.setattr(ArticlePage, "api_fields", [APIField("body")])
    monkeypatch.setattr(api_v3, "visible_to", lambda pages, user, today: pages)
    monkeypatch.setattr(gate, "_decide", lambda request, page: FREE)
    found = texts(check("API"))
    assert any(one.url.startswith(f"/api/v3/pages/{shelf.article.pk}/") for one in found), found


# Pages in other pages, and mails


def test_related_content_and_embeds_that_print_all_of_a_page(shelf, monkeypatch):
    from django.template import Context, Template

    page = ArticlePage.objects.get(slug="strings")
    template = Template(
        "{% load cms_billing_paywall_content %}{% paywall_content other 'body' %}{% paywall_excerpt other %}"
    )

    def serve(self, request, *args, **kwargs):
        if self.slug != "about":
            return Page.serve(self, request, *args, **kwargs)
        return printing(template.render(Context({"request": request, "other": page})))(self, request)

    monkeypatch.setattr(ArticlePage, "serve", serve)
    assert not check("other page")
    leaky = excerpts.Excerpt(page, FREE, STRINGS, page.url)
    monkeypatch.setattr(cms_billing_paywall_content, "excerpt_of", lambda request, page: leaky)
    assert ("text", "http://localhost/about/", "body", "text") in places(texts(check("other page")))


def test_mail_with_an_excerpt_of_a_page(shelf, monkeypatch):
    assert not check("mail")
    monkeypatch.setattr(excerpts, "_decision_for", lambda page, recipient, today: FREE)
    found = texts(check("mail", every=True))
    assert {(one.url, one.visitor) for one in found} >= {
        ("mail “excerpt”: Strings", "guest"),
        ("mail “excerpt”: Strings", "logged in, without a plan"),
    }


def test_mail_of_the_site(shelf, monkeypatch, mailoutbox):
    monkeypatch.setattr(mail_door, "_mails", {})
    register_mail("newsletter", lambda page, person: f"<p>{page.title}</p><p>{page.body}</p>")
    found = texts(check("mail"))
    assert ("text", "mail “newsletter”: Strings", "body", "text") in places(found)
    assert not mailoutbox, "it is made, and not sent"


# Files


@pytest.fixture
def library(shelf, monkeypatch):
    monkeypatch.setattr(transaction, "on_commit", lambda then, using=None, robust=False: then())
    shelf.collection = new_collection()
    set_collection_rule(collection=shelf.collection, plans=[shelf.plan])
    shelf.document, shelf.image = new_document(shelf.collection), new_image(shelf.collection)
    shelf.rendition = shelf.image.get_rendition("width-20")
    rules_are_committed()
    return shelf


def test_documents_images_renditions_and_signed_links(library, monkeypatch):
    assert not check("file")
    monkeypatch.setattr(file_gate, "access", lambda request, file: FREE)
    monkeypatch.setattr("cms_billing.paywall.files.views.decision_for", lambda file, user: FREE)
    found = leaks(check("file", every=True))
    by_guest = {one.url for one in found if one.visitor == "guest" and one.kind is Kind.FILE}
    assert {library.document.file.url, library.image.file.url, library.rendition.url} <= by_guest
    assert any(url.startswith("/images/") for url in by_guest), "renditions that are made on request"
    signed = {one.visitor for one in found if one.url == "signed link: Handbook"}
    assert signed == {"logged in, without a plan"}, "a guest with nobody's link gets nothing even so"


def test_redirect_to_the_public_file_gives_it_away(library, monkeypatch):
    from django.http import HttpResponseRedirect

    monkeypatch.setattr(
        "cms_billing.paywall.files.views.gate.refuse",
        lambda request, file, decision: HttpResponseRedirect("/media/documents/handbook.pdf"),
    )
    assert library.document.file.url in urls(leaks(check("file")))


def test_downloads_of_products(shelf, monkeypatch):
    from oscar.test.factories import create_product

    from cms_billing.shop import views_downloads
    from cms_billing.shop.downloads import DownloadAccess
    from cms_billing.shop.models import ProductDownload

    file = ContentFile(b"The whole handbook as a file.", name="handbook.pdf")
    ProductDownload.objects.create(product=create_product(), title="Handbook", file=file)
    assert not check("file")
    monkeypatch.setattr(
        views_downloads,
        "access_to",
        lambda rows, user, today: [DownloadAccess(row, granted=True, sentence="") for row in rows],
    )
    found = leaks(check("file"))
    assert {(one.kind, one.url, one.visitor) for one in found} == {
        (Kind.FILE, "signed link: Handbook", "logged in, without a plan")
    }


# Views of the site's own, and beginnings of addresses


@pytest.fixture
def workshop(shelf, settings):
    """A plan with a code, which opens views."""
    plan = PlanFactory(name="Tools", code="workshop", issuer=shelf.plan.issuer)
    set_rule(page=Page.objects.get(slug="workshop"), plans=[plan])
    rules_are_committed()
    settings.ROOT_URLCONF = LEAKY
    return plan


def test_guarded_view_that_answers_everybody(workshop):
    found = check("guarded view", every=True)
    assert urls(found) == {"/open-tuner/"}
    assert {one.kind for one in found if one.visitor == "guest"} == {Kind.VIEW}
    assert Kind.CACHED in {one.kind for one in found if one.visitor == "member: Tools"}, "no-store is missing"


def test_prefix_whose_guard_is_missing(workshop, settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "PAYWALL_PREFIXES": {"/members/": ["workshop"]}}
    assert urls(check("guarded view")) == {"/open-tuner/"}
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "paywall.middleware" not in name]
    found = leaks(check("guarded view"))
    assert {"/members/", "/members/tools/"} <= urls(found)
    assert {one.kind for one in found} >= {Kind.VIEW}


# Pictures that only some may see


def test_open_page_that_shows_a_closed_picture(library):
    """Guests see a broken picture: yellow, with the page and the picture."""
    shown = f'<embed embedtype="image" id="{library.image.pk}" format="left" alt="A chord"/>'
    link = f'<p><a linktype="document" id="{library.document.pk}">Handbook</a></p>'
    page = Page.objects.get(pk=library.home.pk).add_child(
        instance=StoryPage(title="Chords", slug="chords", body=[("text", RichText(shown + link))])
    )
    found = check("other page")
    assert [(one.kind, one.page, one.page_id, one.place, one.file) for one in found] == [
        (Kind.BROKEN, "Chords", page.pk, "img src · Chord", f"image {library.image.pk}")
    ]
    assert not leaks(found)
    assert not check("page"), "behind the same plan nobody misses it"


def test_teaser_that_shows_a_closed_picture(library, monkeypatch):
    teaser = f'<img src="{library.rendition.url}" srcset="/x.png, {library.image.file.url} 2x">'
    monkeypatch.setattr(ArticlePage, "get_teaser", lambda self: mark_safe(teaser), raising=False)
    found = [one for one in check("page") if one.page == "Strings"]
    assert {(one.kind, one.place) for one in found} == {
        (Kind.BROKEN, "img src · Chord"),
        (Kind.BROKEN, "img srcset · Chord"),
    }
