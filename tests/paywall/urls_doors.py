"""The site of the tests with all of the paywall's outputs."""

from django.urls import path
from wagtail.api.v2.router import WagtailAPIRouter
from wagtail.api.v3.urls import api as api_v3
from wagtail.contrib.sitemaps.views import sitemap

from cms_billing.paywall.api import DocumentsAPIViewSet, ImagesAPIViewSet, PagesAPIViewSet
from cms_billing.paywall.feeds import PaywallFeed
from cms_billing.paywall.sitemaps import PaywallSitemap
from tests.testsite.models import ArticlePage
from tests.urls import urlpatterns as site

api_v2 = WagtailAPIRouter("wagtailapi")
api_v2.register_endpoint("pages", PagesAPIViewSet)
api_v2.register_endpoint("documents", DocumentsAPIViewSet)
api_v2.register_endpoint("images", ImagesAPIViewSet)
# The tests do without the app that has Django's template.
sitemaps = {"sitemaps": {"pages": PaywallSitemap}, "template_name": "testsite/sitemap.xml"}


class ArticlesFeed(PaywallFeed):
    title = "Articles"
    link = "/"
    description = "All articles"

    def items(self, obj):
        return ArticlePage.objects.live().order_by("path")

    def item_full_text(self, page):
        return f"<p>{page.body}</p>"


urlpatterns = [
    path("api/v2/", api_v2.urls),
    path("api/v3/", api_v3.urls),
    path("sitemap.xml", sitemap, sitemaps),
    path("feed/", ArticlesFeed()),
    path("feed/<str:token>/", ArticlesFeed()),
    *site,
]
