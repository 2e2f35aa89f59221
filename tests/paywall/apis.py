"""Wagtail's APIs mounted as a site would."""

from types import ModuleType

from django.urls import include, path
from wagtail.api.v2.router import WagtailAPIRouter

from tests import urls


def urls_with(*more) -> ModuleType:
    module = ModuleType("urls_with_apis")
    module.urlpatterns = [*more, path("", include(urls))]
    return module


def v2(**endpoints) -> ModuleType:
    router = WagtailAPIRouter("wagtailapi")
    for name, endpoint in endpoints.items():
        router.register_endpoint(name, endpoint)
    return urls_with(path("api/v2/", (router.get_urlpatterns(), "wagtailapi", "wagtailapi")))


def v3() -> ModuleType:
    from wagtail.api.v3.urls import api

    return urls_with(path("api/v3/", api.urls))
