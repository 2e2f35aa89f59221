"""What search engines and previews of links are told."""

import json
import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template
from django.test import RequestFactory

from cms_billing.paywall.services import set_rule
from cms_billing.paywall.structured_data import structured_data
from cms_billing.paywall.terms import RuleTerms
from tests.testsite.models import ArticlePage

from .conftest import SECRET, TODAY, member

pytestmark = pytest.mark.django_db


def head_of(page, *, user=None, tag="paywall_structured_data page") -> str:
    request = RequestFactory().get("/")
    request.user = user or AnonymousUser()
    source = f"{{% load cms_billing_paywall_content %}}{{% {tag} %}}"
    return Template(source).render(Context({"request": request, "page": page}))


def data_of(html: str) -> dict:
    [text] = re.findall(r'^<script type="application/ld\+json">(.*)</script>$', html)
    return json.loads(text)


def test_a_closed_page_says_which_part_is_sold(magazine):
    data = data_of(head_of(magazine.article))
    assert data["@type"] == "Article"
    assert data["isAccessibleForFree"] is False
    assert data["hasPart"] == {
        "@type": "WebPageElement",
        "isAccessibleForFree": False,
        "cssSelector": ".paywall-content",
    }
    assert data["mainEntityOfPage"]["@id"] == "http://localhost/magazine/strings/"
    assert data["description"] == "How to choose strings."


def test_teaser_and_full_text_say_the_same(magazine):
    reader, _contract = member(magazine.plan)
    for tag in ("paywall_structured_data page", "paywall_meta page"):
        assert head_of(magazine.article, tag=tag) == head_of(magazine.article, user=reader, tag=tag)
        assert SECRET not in head_of(magazine.article, user=reader, tag=tag)


def test_a_free_page_says_so(magazine):
    free = magazine.home.add_child(instance=ArticlePage(title="Free", slug="free", teaser="For all"))
    data = data_of(head_of(free))
    assert data["isAccessibleForFree"] is True
    assert "hasPart" not in data
    set_rule(page=magazine.section, plans=[magazine.plan], terms=RuleTerms(free_until=TODAY))
    assert data_of(head_of(magazine.article))["isAccessibleForFree"] is True


def test_several_parts_are_a_list_of_classes(magazine):
    data = data_of(
        head_of(magazine.article, tag='paywall_structured_data page ".body" ".score" kind="NewsArticle"')
    )
    assert data["@type"] == "NewsArticle"
    assert [part["cssSelector"] for part in data["hasPart"]] == [".body", ".score"]


@pytest.mark.parametrize("selector", ["#id", ".a .b", "div", ".a > .b", ".a,.b", ""])
def test_only_classes_are_selectors(magazine, selector):
    with pytest.raises(ValueError, match="no class selector"):
        structured_data(magazine.article, url="", selectors=(selector,))


def test_nothing_in_a_title_can_leave_the_script(magazine):
    title = "</script><script>alert(1)</script>& \u2028 “Ü”"
    page = magazine.section.add_child(instance=ArticlePage(title=title, slug="x", teaser="--><!-- </script>"))
    html = head_of(page)
    assert html.count("</script>") == 1
    assert "<!--" not in html
    assert data_of(html)["headline"] == title
    assert "<script>" not in head_of(page, tag="paywall_meta page")


def test_previews_of_links_show_the_teaser(magazine):
    html = head_of(magazine.article, tag="paywall_meta page")
    assert '<meta name="description" content="How to choose strings.">' in html
    assert '<meta property="og:description" content="How to choose strings.">' in html
    assert '<meta property="og:url" content="http://localhost/magazine/strings/">' in html
