"""What the checks find, and the API that one of them asks for."""

import json

import pytest
from django.test import Client
from wagtail.api.v2.views import PagesAPIViewSet as OpenPagesAPIViewSet

from cms_billing.paywall import checks
from cms_billing.paywall.api import PagesAPIViewSet

from .apis import v2
from .conftest import client_of, in_dunning, member

SESSION = "django.contrib.sessions.middleware.SessionMiddleware"


def ids(messages) -> list[str]:
    return [message.id.removeprefix("cms_billing.") for message in messages]


@pytest.mark.parametrize(
    ("middleware", "expected"),
    [
        ([SESSION, checks.AUTHENTICATION, checks.PAYWALL], []),
        ([SESSION, checks.AUTHENTICATION], ["E040"]),
        ([checks.PAYWALL, SESSION, checks.AUTHENTICATION], ["E041"]),
        ([checks.PAYWALL], ["E041"]),
        (
            [checks.AUTHENTICATION, checks.PAYWALL, "django.middleware.cache.UpdateCacheMiddleware"],
            ["W045"],
        ),
        (["django.middleware.cache.UpdateCacheMiddleware", checks.AUTHENTICATION, checks.PAYWALL], []),
    ],
)
def test_middleware_order(settings, middleware, expected):
    settings.MIDDLEWARE = middleware
    assert ids(checks.middleware_is_there_and_after_authentication(None)) == expected


def test_two_logins(settings):
    assert ids(checks.there_is_one_login(None)) == []
    settings.WAGTAIL_FRONTEND_LOGIN_URL = "/somewhere/else/"
    assert ids(checks.there_is_one_login(None)) == ["W042"]
    del settings.WAGTAIL_FRONTEND_LOGIN_URL
    assert ids(checks.there_is_one_login(None)) == ["W042"]
    settings.LOGIN_URL = "no_such_name"
    assert ids(checks.there_is_one_login(None)) in (["W042"], [])


def test_cache_of_one_process(settings):
    assert ids(checks.cache_is_shared(None)) == ["W043"]
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache"}}
    assert ids(checks.cache_is_shared(None)) == []


def test_open_api_is_found(settings):
    assert ids(checks.api_is_guarded(None)) == []
    settings.ROOT_URLCONF = v2(pages=OpenPagesAPIViewSet)
    assert ids(checks.api_is_guarded(None)) == ["E044"]
    settings.ROOT_URLCONF = v2(pages=PagesAPIViewSet)
    assert ids(checks.api_is_guarded(None)) == []


@pytest.mark.django_db
def test_guarded_api_hides_closed_pages(settings, magazine):
    settings.ROOT_URLCONF = v2(pages=PagesAPIViewSet)

    def pages(client):
        response = client.get("/api/v2/pages/")
        return {row["title"] for row in json.loads(response.content)["items"]}, response

    titles, response = pages(Client())
    assert not titles & {"Magazine", "Strings"}
    assert "no-store" not in response.get("Cache-Control", "")
    assert Client().get(f"/api/v2/pages/{magazine.article.pk}/").status_code == 404
    reader, contract = member(magazine.plan)
    titles, response = pages(client_of(reader))
    assert titles >= {"Magazine", "Strings"}
    assert response["Cache-Control"] == "private, no-store"
    in_dunning(contract, level=2, locked=True)
    assert client_of(reader).get(f"/api/v2/pages/{magazine.article.pk}/").status_code == 404


def test_what_apis_say_of_closed_pages(settings):
    assert ids(checks.closed_pages_of_apis_are_known(None)) == []
    settings.CMS_BILLING = {**settings.CMS_BILLING, "API_CLOSED_PAGES": "all"}
    assert ids(checks.closed_pages_of_apis_are_known(None)) == ["E047"]
