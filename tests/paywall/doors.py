"""Every way to a page's text."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.template import Context, Template
from django.test import RequestFactory, override_settings
from wagtail.models import Page

from cms_billing.paywall import gate, search, selectors
from cms_billing.paywall.excerpts import excerpt_of, mail_excerpt
from cms_billing.paywall.feed_services import feed_address
from cms_billing.paywall.feeds import token_of
from cms_billing.paywall.leakcheck.visitors import Visitor
from cms_billing.paywall.rules import Passes
from cms_billing.paywall.structured_data import structured_data

from .asking import GUEST, Asking, a_guests, door, everybodys, the_editors, the_readers, the_visitors
from .conftest import SECRET, TODAY

TYPE = "type=tests_testsite.ArticlePage"

# -- selectors and search ----------------------------------------------------------------------------------------------


@door("decisions_for", the_readers)
def _decisions(asking: Asking) -> set[int]:
    found = selectors.decisions_for(asking.pages, **asking.who)
    return {pk for pk, decision in found.items() if decision.granted}


@door("explain", the_readers)
def _explain(asking: Asking) -> set[int]:
    return {page.pk for page in asking.pages if selectors.explain(page, **asking.who).granted}


@door("visible_to", the_readers)
def _visible(asking: Asking) -> set[int]:
    return keys(selectors.visible_to(asking.pages, **asking.who))


@door("visible_to of plain pages", the_readers)
def _visible_plain(asking: Asking) -> set[int]:
    return keys(selectors.visible_to(Page.objects.filter(pk__in=everybodys(asking)), **asking.who))


@door("search", the_readers)
def _search(asking: Asking) -> set[int]:
    return keys(search.search_visible(asking.pages, "Strings", **asking.who))


@door("autocomplete", the_readers)
def _autocomplete(asking: Asking) -> set[int]:
    return keys(search.autocomplete_visible(asking.pages, "Stri", **asking.who))


@door("search for teasers", the_readers)
def _search_teasers(asking: Asking) -> set[int]:
    return everybodys(asking) - keys(search.search_teasers(asking.pages, "Strings", **asking.who))


def keys(pages: Any) -> set[int]:
    return {page.pk for page in pages}


# -- pages and APIs ----------------------------------------------------------------------------------------------------


@door("page", the_visitors)
def _page(asking: Asking) -> set[int]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "passes_of", lambda request, page, rule: Passes(gift=asking.person.pass_))
        return {page.pk for page in asking.pages if SECRET in asking.ask(page.get_full_url()).body.decode()}


@door("API v2", the_readers)
def _api_v2(asking: Asking) -> set[int]:
    found = asking.items(f"/api/v2/pages/?{TYPE}&fields=body")
    assert all(SECRET in row.get("body", "") for row in found.values())
    return set(found)


@door("API v2 with teasers", the_readers)
def _api_v2_teasers(asking: Asking) -> set[int]:
    with teasers_listed():
        found = asking.items(f"/api/v2/pages/?{TYPE}&fields=body")
    assert set(found) == everybodys(asking)
    return {pk for pk, row in found.items() if SECRET in row.get("body", "")}


@door("API v3 without a token", a_guests)
def _api_v3(asking: Asking) -> set[int]:
    return set(asking.items(f"/api/v3/pages/?{TYPE}"))


@door("API v3, details with teasers", a_guests)
def _api_v3_teasers(asking: Asking) -> set[int]:
    with teasers_listed():
        assert everybodys(asking) == set(asking.items(f"/api/v3/pages/?{TYPE}"))
        answers = {pk: asking.ask(f"/api/v3/pages/{pk}/") for pk in everybodys(asking)}
    return {pk for pk, answer in answers.items() if SECRET in answer.body.decode()}


@door("API v3 with a token", the_editors)
def _api_v3_token(asking: Asking) -> set[int]:
    if asking.person.kind == "guest":
        return set()
    given: dict[str, Any] = {"visitor": GUEST, **asking.token()}
    listed = set(asking.items(f"/api/v3/pages/?{TYPE}", **given))
    answers = {pk: asking.ask(f"/api/v3/pages/{pk}/", **given) for pk in everybodys(asking)}
    assert listed == {pk for pk, answer in answers.items() if answer.status == 200}
    return {pk for pk, answer in answers.items() if SECRET in answer.body.decode()}


def teasers_listed() -> Any:
    return override_settings(CMS_BILLING={**settings.CMS_BILLING, "API_CLOSED_PAGES": "teaser"})


# -- sitemap and feeds -------------------------------------------------------------------------------------------------


@door("sitemap", everybodys)
def _sitemap(asking: Asking) -> set[int]:
    return mapped(asking)


@door("sitemap without closed pages", a_guests)
def _sitemap_of_open_pages(asking: Asking) -> set[int]:
    with override_settings(CMS_BILLING={**settings.CMS_BILLING, "SITEMAP_CLOSED_PAGES": False}):
        return mapped(asking)


def mapped(asking: Asking) -> set[int]:
    tree = ElementTree.fromstring(asking.ask("/sitemap.xml").body)
    found = {place.text for place in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")}
    return {page.pk for page in asking.pages if page.get_full_url() in found}


@door("feed", a_guests)
def _feed(asking: Asking) -> set[int]:
    return whole_in_feed(asking, "/feed/", asking.visitor)


@door("a member's feed", the_readers)
def _members_feed(asking: Asking) -> set[int]:
    if asking.person.kind == "guest":
        return a_guests(asking)
    return whole_in_feed(asking, f"/feed/{token_of(feed_address(user=asking.user))}/", GUEST)


def whole_in_feed(asking: Asking, url: str, visitor: Visitor) -> set[int]:
    tree = ElementTree.fromstring(asking.ask(url, visitor=visitor).body)
    whole = {item.findtext("link"): SECRET in item.findtext("description", "") for item in tree.iter("item")}
    assert len(whole) == len(asking.world.pages)
    return {page.pk for page in asking.pages if whole[page.get_full_url()]}


# -- other pages, mails, search engines --------------------------------------------------------------------------------


@door("paywall_content", the_readers)
def _content(asking: Asking) -> set[int]:
    return printed(asking, '{% paywall_content page "body" %}', SECRET)


@door("if_readable", the_readers)
def _if_readable(asking: Asking) -> set[int]:
    return printed(asking, "{% if_readable page %}open{% else %}closed{% endif_readable %}", "open")


@door("readable_by", the_readers)
def _readable_by(asking: Asking) -> set[int]:
    return printed(asking, "{% for one in pages|readable_by:request %}<{{ one.pk }}>{% endfor %}", "<{pk}>")


@door("excerpt", the_readers)
def _excerpt(asking: Asking) -> set[int]:
    request = request_of(asking)
    found = [excerpt_of(request, page) for page in asking.pages]
    assert not any(SECRET in excerpt.html for excerpt in found)
    return {excerpt.page.pk for excerpt in found if excerpt.readable}


@door("mail", the_readers)
def _mail(asking: Asking) -> set[int]:
    recipient = None if asking.person.kind == "guest" else asking.user
    mails = {
        page.pk: mail_excerpt(page, recipient=recipient, today=TODAY, full_text=lambda page: page.body)
        for page in asking.pages
    }
    return {pk for pk, mail in mails.items() if SECRET in mail.html and SECRET in mail.text and mail.full}


@door("JSON-LD", a_guests)
def _structured_data(asking: Asking) -> set[int]:
    return {page.pk for page in asking.pages if structured_data(page, url="")["isAccessibleForFree"]}


def printed(asking: Asking, tag: str, said: str) -> set[int]:
    """The pages for which the tag prints ``said``."""
    template = Template("{% load cms_billing_paywall_content %}" + tag)
    request, pages = request_of(asking), list(asking.pages)
    found = set()
    for page in pages:
        text = template.render(Context({"request": request, "page": page, "pages": pages}))
        if said.replace("{pk}", str(page.pk)) in text:
            found.add(page.pk)
    return found


def request_of(asking: Asking) -> Any:
    request = RequestFactory().get("/", HTTP_HOST="localhost")
    request.user = asking.user
    return request
