import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from cms_billing.paywall.models import ArrearsPage
from cms_billing.paywall.sitemaps import PaywallSitemap
from cms_billing.testing.factories import IssuerFactory

from .conftest import member

pytestmark = pytest.mark.django_db
HOME, STRINGS = "http://localhost/", "http://localhost/magazine/strings/"


def locations(user=None) -> set[str]:
    request = RequestFactory().get("/sitemap.xml", HTTP_HOST="localhost")
    request.user = user or AnonymousUser()
    return {row["location"] for row in PaywallSitemap(request).get_urls(1, None, "http")}


def test_closed_pages_are_in_the_sitemap_because_of_their_teaser(magazine):
    assert {HOME, STRINGS} <= locations()


def test_a_site_may_leave_them_out_for_everybody(magazine, settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "SITEMAP_CLOSED_PAGES": False}
    user, _contract = member(magazine.plan)
    for reader in (None, user):
        assert STRINGS not in locations(reader)
        assert HOME in locations(reader)


def test_the_page_for_locked_members_is_not_in_it(magazine):
    page = magazine.home.add_child(
        instance=ArrearsPage(title="Unpaid", slug="unpaid", issuer=IssuerFactory(), language="en")
    )
    assert page.full_url not in locations()
