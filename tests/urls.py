from django.apps import apps
from django.contrib import admin
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls
from wagtail.images import urls as wagtailimages_urls

urlpatterns = [
    path("django-admin/", admin.site.urls),
    path("admin/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    path("images/", include(wagtailimages_urls)),
    # Nothing worth forging; a token in every footer would give each guest a cookie, and caches nothing to keep.
    path("i18n/setlang/", csrf_exempt(set_language), name="set_language"),
    path("shop/", include(apps.get_app_config("oscar").urls[0])),
    path("billing/", include("cms_billing.urls")),
    path("", include(wagtail_urls)),
]
