from importlib.util import find_spec

from django.apps import apps
from django.contrib import admin
from django.urls import include, path
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls

urlpatterns = [
    path("django-admin/", admin.site.urls),
    path("admin/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    path("i18n/", include("django.conf.urls.i18n")),
    path("shop/", include(apps.get_app_config("oscar").urls[0])),
]
if find_spec("cms_billing") and find_spec("cms_billing.urls"):
    urlpatterns.append(path("billing/", include("cms_billing.urls")))
urlpatterns.append(path("", include(wagtail_urls)))
