from django.apps import apps
from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.contrib.sitemaps.views import sitemap
from wagtail.documents import urls as wagtaildocs_urls

from cms_billing.paywall.sitemaps import PaywallSitemap
from sandbox.site.catalogue import CatalogueView, CategoryView
from sandbox.site.feeds import MagazineFeed
from sandbox.site.search import site_search

urlpatterns = [
    path("cms/", include(wagtailadmin_urls)),
    path("django-admin/", admin.site.urls),
    path("documents/", include(wagtaildocs_urls)),
    # Nothing worth forging; a token in every footer would give each guest a cookie, and caches nothing to keep.
    path("i18n/setlang/", csrf_exempt(set_language), name="set_language"),
    path("magazin/feed/", MagazineFeed(), name="magazine_feed"),
    path("magazin/feed/<str:token>/", MagazineFeed(), name="member_feed"),
    path("sitemap.xml", sitemap, {"sitemaps": {"pages": PaywallSitemap}}),
    path("suche/", site_search, name="site_search"),
    path("mails/", include("sandbox.mails.urls")),
    path("billing/", include("cms_billing.urls")),
    path("shop/catalogue/", CatalogueView.as_view()),
    path("shop/catalogue/category/<path:category_slug>_<int:pk>/", CategoryView.as_view()),
    path("shop/search/", CatalogueView.as_view()),
    path("shop/", include(apps.get_app_config("oscar").urls[0])),
]

urlpatterns += static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT)
urlpatterns.append(path("", include(wagtail_urls)))
