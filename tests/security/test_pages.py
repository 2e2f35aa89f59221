"""Other pages, other versions and other outputs of a closed page."""

from __future__ import annotations

import pytest
from wagtail.models import Locale, Page

from cms_billing.paywall.rule_map import current_rules
from cms_billing.paywall.rules import OpensTo, RuleTerms
from cms_billing.paywall.services import set_rule
from tests.paywall.conftest import SECRET
from tests.testsite.models import ArticlePage

from .conftest import ARTICLE, tells

pytestmark = pytest.mark.django_db


def fresh(page) -> Page:
    return Page.objects.get(pk=page.pk)


# -- drafts, previews, revisions -------------------------------------------------------------------------------------


def test_admin_addresses_give_nothing_to_members_and_strangers(magazine, reader, outsiders):
    revision = ArticlePage.objects.get(slug="strings").save_revision()
    pk = magazine.article.pk
    for rest in (
        f"pages/{pk}/",
        f"pages/{pk}/edit/",
        f"pages/{pk}/edit/preview/",
        f"pages/{pk}/edit/preview/?in_preview_panel=true&mode=",
        f"pages/{pk}/view_draft/",
        f"pages/{pk}/history/",
        f"pages/{pk}/revisions/{revision.pk}/view/",
        f"pages/{pk}/revisions/{revision.pk}/revert/",
        f"pages/{pk}/revisions/compare/earliest...latest/",
        f"pages/{pk}/copy/",
        f"pages/{pk}/usage/",
        f"pages/workflow/preview/{pk}/1/",
        f"api/main/pages/{pk}/",
        "api/main/pages/?fields=*",
        f"choose-page/{magazine.section.pk}/",
        "pages/search/?q=strings",
        f"cms_billing/paywall/pages/{pk}/",
        f"billing-paywall/pages/{pk}/",
        f"billing-paywall/explain/?page={pk}",
    ):
        for who, client in {"member": reader, **outsiders.all}.items():
            response = client.get(f"/admin/{rest}")
            assert not tells(response), (who, rest)
            assert response.status_code in (302, 403, 404, 405), (who, rest)


def test_unpublished_text_is_nobodys(magazine, reader, outsiders):
    article = ArticlePage.objects.get(slug="strings")
    article.body = "not yet published at all"
    article.save_revision()
    for client in (reader, *outsiders.all.values()):
        assert b"not yet published" not in client.get(ARTICLE).content


# -- aliases, copies, translations, moves ------------------------------------------------------------------------------


def test_alias_in_an_open_section_is_closed(magazine, reader, outsiders):
    article = ArticlePage.objects.get(slug="strings")
    article.create_alias(parent=fresh(magazine.home), update_slug="strings-for-all")
    for who, client in outsiders.all.items():
        assert not tells(client.get("/strings-for-all/")), who
    assert tells(reader.get("/strings-for-all/"))


def test_page_below_an_alias_of_the_section_is_closed(magazine, outsiders):
    section = ArticlePage.objects.get(slug="magazine")
    section.create_alias(parent=fresh(magazine.home), update_slug="mirror", recursive=True)
    for who, client in outsiders.all.items():
        assert not tells(client.get("/mirror/")), who
        assert not tells(client.get("/mirror/strings/")), who


def test_copy_of_a_closed_section_is_closed(magazine, outsiders):
    section = ArticlePage.objects.get(slug="magazine")
    section.copy(recursive=True, to=fresh(magazine.home), update_attrs={"slug": "copy", "title": "Copy"})
    for who, client in outsiders.all.items():
        assert not tells(client.get("/copy/strings/")), who


def test_translated_tree_follows(magazine, outsiders):
    german = Locale.objects.create(language_code="de")
    pages = (magazine.home, magazine.section, magazine.article)
    for page in pages:
        fresh(page).specific.copy_for_translation(german).save_revision().publish()
    translated = Page.objects.get(locale=german, translation_key=fresh(magazine.article).translation_key)
    from wagtail.models import Site

    Site.objects.create(hostname="de.example", root_page=Page.objects.get(locale=german, depth=2))
    for who, client in outsiders.all.items():
        response = client.get(f"/magazine/{translated.slug}/", headers={"Host": "de.example"}, follow=True)
        assert not tells(response), who
    assert current_rules().rule_for(translated.path) is not None


def test_moved_page_is_decided_where_it_stands(magazine, outsiders):
    inner = fresh(magazine.home).add_child(instance=ArticlePage(title="Free", slug="free", body=SECRET))
    assert tells(outsiders.guest.get("/free/"))
    inner.move(fresh(magazine.section), pos="last-child")
    for who, client in outsiders.all.items():
        assert not tells(client.get("/magazine/free/")), who
        assert not tells(client.get("/free/", follow=True)), who


def test_page_closed_again_inside_an_open_exception(magazine, outsiders):
    sample = fresh(magazine.section).add_child(instance=ArticlePage(title="Sample", slug="sample", body="x"))
    set_rule(page=sample, terms=RuleTerms(opens_to=OpensTo.EVERYONE))
    inner = fresh(sample).add_child(instance=ArticlePage(title="Inner", slug="inner", body=SECRET))
    assert tells(outsiders.guest.get("/magazine/sample/inner/"))
    set_rule(page=inner, plans=[magazine.plan])
    for who, client in outsiders.all.items():
        assert not tells(client.get("/magazine/sample/inner/")), who


def test_unpublished_closed_page_is_not_there(magazine, reader):
    ArticlePage.objects.get(slug="strings").unpublish()
    assert reader.get(ARTICLE).status_code == 404


# -- API ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def api(settings, monkeypatch):
    from wagtail.api import APIField

    monkeypatch.setattr(ArticlePage, "api_fields", [APIField("body"), APIField("teaser")], raising=False)
    settings.ROOT_URLCONF = "tests.paywall.urls_doors"


def test_api_gives_outsiders_nothing(api, magazine, outsiders):
    pk, kind = magazine.article.pk, "testsite.ArticlePage"
    for rest in (
        "?fields=*&limit=20",
        f"?type={kind}&fields=*",
        f"?type={kind}&fields=*&title=Strings",
        f"?type={kind}&fields=body&search=strings",
        f"?child_of={magazine.section.pk}&fields=*",
        f"?descendant_of={magazine.section.pk}&fields=*",
        f"?ancestor_of={pk}&fields=*",
        f"?id={pk}",
        f"{pk}/",
        f"{pk}/?fields=*",
        f"{pk}/?fields=_,body",
        f"find/?id={pk}",
        f"find/?html_path={ARTICLE}",
        "find/?html_path=/magazine//strings/&fields=*",
        f"{pk}.json",
        f"{pk}/?format=json&version=draft",
    ):
        for who, client in outsiders.all.items():
            response = client.get(f"/api/v2/pages/{rest}", follow=True)
            assert not tells(response), (who, rest)
            assert '"Strings"' not in response.content.decode(), (who, rest)


def test_api_answer_of_a_member_is_not_for_caches(api, magazine, reader):
    response = reader.get(f"/api/v2/pages/{magazine.article.pk}/?fields=*")
    assert tells(response)
    assert response["Cache-Control"] == "private, no-store"
