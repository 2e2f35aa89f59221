import pytest
from wagtail.models import Page

from tests.testsite.models import ArticlePage

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("window", ["page", "phone"])
def test_a_visitor_sees_what_the_test_has_saved(window, request, screenshot):
    visitor = request.getfixturevalue(window)
    home = Page.objects.get(depth=2)
    article = home.add_child(instance=ArticlePage(title="Scales for beginners", teaser="Start slowly."))
    visitor.goto(article.url)
    assert visitor.locator("h1").inner_text() == "Scales for beginners"
    assert screenshot(visitor, f"harness-{window}").stat().st_size > 1000
