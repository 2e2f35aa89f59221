"""A member's own address of the feed in the account, and excerpts in search results, at a desk and on a telephone."""

import pytest
from django.test import Client
from django.urls import path

from cms_billing.testing.factories import UserFactory
from tests.paywall.apis import urls_with
from tests.paywall.test_feeds import MagazineFeed

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("window", ["page", "phone"])
def test_a_member_makes_renews_and_ends_an_address(window, request, settings, screenshot, live_server):
    view = MagazineFeed()
    settings.ROOT_URLCONF = urls_with(
        path("feed/", view), path("feed/<str:token>/", view, name="member_feed")
    )
    settings.CMS_BILLING = {**settings.CMS_BILLING, "MEMBER_FEED": "member_feed"}
    visitor = request.getfixturevalue(window)
    client = Client()
    client.force_login(UserFactory(), backend="django.contrib.auth.backends.ModelBackend")
    session = client.cookies["sessionid"].value
    visitor.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    visitor.goto("/billing/account/feed/")
    screenshot(visitor, f"feed-none-{window}")
    visitor.get_by_role("button", name="Make an address").click()
    address = visitor.get_by_label("Your address")
    first = address.input_value()
    assert first.startswith(f"{live_server.url}/feed/")
    screenshot(visitor, f"feed-{window}")
    assert visitor.request.get(first).status == 200
    visitor.get_by_role("button", name="New address").click()
    assert address.input_value() != first
    assert visitor.request.get(first).status == 404
    visitor.get_by_role("button", name="End address").click()
    assert visitor.get_by_role("button", name="Make an address").is_visible()
    assert visitor.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
