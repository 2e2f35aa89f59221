"""The site of the tests with its guarded API."""

from django.urls import path
from wagtail.api.v2.router import WagtailAPIRouter

from cms_billing.paywall.api import PagesAPIViewSet
from tests.urls import urlpatterns as site

api = WagtailAPIRouter("wagtailapi")
api.register_endpoint("pages", PagesAPIViewSet)

urlpatterns = [path("api/v2/", api.urls), *site]
