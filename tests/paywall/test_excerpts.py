"""What other pages and mails print of a closed page."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.template import Context, Template, TemplateSyntaxError
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from wagtail.models import Page

from cms_billing.paywall import rule_map
from cms_billing.paywall.embeds import PageExcerptBlock
from cms_billing.paywall.excerpts import mail_excerpt
from cms_billing.paywall.listings import glances, stamp_listing
from cms_billing.paywall.services import set_rule
from cms_billing.testing.factories import UserFactory
from tests.testsite.models import ArticlePage

from .conftest import SECRET, TODAY, in_dunning, member
from .test_selectors import rules_remembered

pytestmark = pytest.mark.django_db
LOAD = "{% load cms_billing_paywall_content %}"


def request_of(user=None):
    request = RequestFactory().get("/")
    request.user = user or AnonymousUser()
    return request


def rendered(source: str, request, **context) -> str:
    return Template(LOAD + source).render(Context({"request": request, **context}))


def test_an_excerpt_is_the_teaser_with_a_note_for_who_may_not_read(magazine):
    html = rendered("{% paywall_excerpt page %}", request_of(), page=magazine.article)
    assert "How to choose strings." in html
    assert "For members" in html
    assert 'href="/magazine/strings/"' in html
    assert SECRET not in html
    user, _contract = member(magazine.plan)
    assert "For members" not in rendered(
        "{% paywall_excerpt page %}", request_of(user), page=magazine.article
    )


def test_a_field_of_another_page_is_printed_for_who_may_read_it(magazine):
    source = '{% paywall_content page "body" %}'
    page = Page.objects.get(pk=magazine.article.pk)
    assert rendered(source, request_of(), page=page) == "<p>How to choose strings.</p>"
    user, contract = member(magazine.plan)
    assert SECRET in rendered(source, request_of(user), page=page)
    in_dunning(contract, level=2, locked=True)
    assert SECRET not in rendered(source, request_of(user), page=page)


def test_a_condition_in_a_template_asks_the_gate(magazine):
    source = "{% if_readable page %}open{% else %}closed{% endif_readable %}"
    user, _contract = member(magazine.plan)
    assert rendered(source, request_of(), page=magazine.article) == "closed"
    assert rendered(source, request_of(user), page=magazine.article) == "open"
    assert rendered("{% if_readable page %}open{% endif_readable %}", request_of(), page=None) == ""
    with pytest.raises(TemplateSyntaxError):
        Template(LOAD + "{% if_readable %}x{% endif_readable %}")
    with pytest.raises(TemplateSyntaxError):
        Template(LOAD + source).render(Context({"page": magazine.article}))


def test_a_long_list_costs_a_member_one_query_and_a_guest_none(magazine):
    for number in range(20):
        magazine.section.add_child(instance=ArticlePage(title=f"Page {number}", slug=f"page-{number}"))
    pages = list(ArticlePage.objects.all())
    user, _contract = member(magazine.plan)
    source = "{% for page in pages|readable_by:request %}x{% endfor %}"
    rules_remembered()
    for reader, shown, queries in ((user, 22, 1), (None, 0, 0)):
        request = request_of(reader)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert rendered(source, request, pages=pages).count("x") == shown
        assert len(asked) == queries


def test_a_page_that_mentions_closed_ones_is_the_members_own_and_one_for_all_guests(magazine, client):
    from django.http import HttpResponse

    user, _contract = member(magazine.plan)
    for reader, kept in ((user, "private, no-store"), (None, None)):
        request, response = request_of(reader), HttpResponse()
        rendered("{% paywall_excerpt page %}", request, page=magazine.article)
        assert len(list(glances(request))) == 1
        stamp_listing(request, response)
        assert response.get("Cache-Control") == kept
        assert response["Vary"] == "Cookie"


def test_an_embedded_page_shows_its_excerpt_in_pages_and_apis(magazine):
    block = PageExcerptBlock()
    for context in (None, {}, {"request": request_of()}):
        assert SECRET not in block.render(magazine.article, context)
        assert "How to choose strings." in block.render(magazine.article, context)
        shown = block.get_api_representation(magazine.article, context)
        assert shown["paywall"]["readable"] is False
        assert shown["teaser"] == "<p>How to choose strings.</p>"
    assert block.get_searchable_content(magazine.article) == []
    magazine.article.unpublish()
    assert block.render(magazine.article) == ""
    assert block.get_api_representation(magazine.article) is None


# -- mails ------------------------------------------------------------------------------------------------------------


def full(page) -> str:
    return f'<p>{page.body}</p><p><a href="/other/">more</a></p>'


def test_a_mail_has_the_full_text_only_for_a_recipient_who_may_read(magazine):
    reader, contract = member(magazine.plan)
    page = Page.objects.get(pk=magazine.article.pk)
    mail = mail_excerpt(page, recipient=reader, today=TODAY, full_text=full)
    assert mail.full
    assert SECRET in mail.text
    assert SECRET in mail.html
    assert 'href="http://localhost/other/"' in mail.html
    in_dunning(contract, level=2, locked=True)
    for recipient in (reader, UserFactory(), AnonymousUser(), None):
        mail = mail_excerpt(page, recipient=recipient, today=TODAY, full_text=full)
        assert not mail.full
        assert SECRET not in mail.text + mail.html + mail.subject
        assert mail.subject == "Strings"
        assert "How to choose strings." in mail.text
        assert mail.text.endswith("http://localhost/magazine/strings/")


def test_a_mail_about_a_free_page_has_it_all_for_everybody(magazine):
    page = magazine.home.add_child(instance=ArticlePage(title="Free", slug="free", body="open <b>to</b> all"))
    mail = mail_excerpt(page, today=TODAY, full_text=full)
    assert mail.full
    assert "open to all" in mail.text


def test_a_mail_has_no_text_while_the_rules_cannot_be_read(magazine, monkeypatch):
    def broken(*args, **kwargs):
        raise rule_map.RulesUnreadable("no")

    monkeypatch.setattr("cms_billing.paywall.selectors.current_rules", broken)
    mail = mail_excerpt(magazine.article, recipient=UserFactory(), today=TODAY, full_text=full)
    assert SECRET not in mail.text
    assert "How to choose" not in mail.text


def test_a_title_cannot_bring_markup_into_a_mail(magazine):
    page = magazine.home.add_child(instance=ArticlePage(title="<script>x</script>", slug="x"))
    assert "<script>" not in mail_excerpt(page, today=TODAY).html
    set_rule(page=page, plans=[magazine.plan])
    assert "<script>" not in Client().get("/x/").content.decode()
