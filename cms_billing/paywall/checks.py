"""What an integrator can get wrong at the paywall (``cms_billing.E040`` to ``E046``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver

from cms_billing.core.conf import billing_settings
from cms_billing.core.middleware_order import place_of

PAYWALL = "cms_billing.paywall.middleware.PaywallMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
UNSHARED_CACHES = ("locmem.LocMemCache", "dummy.DummyCache")


@register("cms_billing")
def middleware_is_there_and_after_authentication(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    names = list(settings.MIDDLEWARE)
    place = place_of(PAYWALL, names)
    if place is None:
        return [
            Error(
                "The paywall's middleware is missing: pages rendered in place of others would not be guarded.",
                hint=f"Add {PAYWALL!r} to MIDDLEWARE, directly after {AUTHENTICATION!r}.",
                id="cms_billing.E040",
            )
        ]
    authentication = place_of(AUTHENTICATION, names)
    if authentication is None or authentication > place:
        return [
            Error(
                "The paywall's middleware comes before authentication: it would take every member for a guest.",
                hint=f"Move {PAYWALL!r} in MIDDLEWARE to directly after {AUTHENTICATION!r}.",
                id="cms_billing.E041",
            )
        ]
    return _caches_inside(names[place + 1 :])


def _caches_inside(names: list[str]) -> list[CheckMessage]:
    """What stores pages has to see the headers that the paywall has set, so it stands outside."""
    inside = [name for name in names if "UpdateCacheMiddleware" in name or "wagtailcache" in name]
    return [
        Warning(
            f"{name} comes after the paywall's middleware and may keep a member's page for everybody.",
            hint=f"Move it before {PAYWALL!r} in MIDDLEWARE; best to the top, as its documentation says.",
            id="cms_billing.W045",
        )
        for name in inside
    ]


@register("cms_billing")
def there_is_one_login(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        of_django = resolve_url(settings.LOGIN_URL)
        of_wagtail = resolve_url(getattr(settings, "WAGTAIL_FRONTEND_LOGIN_URL", "wagtailcore_login"))
    except NoReverseMatch as error:
        return [_two_logins(f"LOGIN_URL or WAGTAIL_FRONTEND_LOGIN_URL leads nowhere: {error}")]
    if of_django == of_wagtail:
        return []
    return [
        _two_logins(
            f"LOGIN_URL leads to {of_django}, WAGTAIL_FRONTEND_LOGIN_URL to {of_wagtail}: members meet two logins."
        )
    ]


def _two_logins(text: str) -> CheckMessage:
    return Warning(
        text,
        hint="Set both to the same address, for example LOGIN_URL = WAGTAIL_FRONTEND_LOGIN_URL = 'customer:login'.",
        id="cms_billing.W042",
    )


@register("cms_billing", deploy=True)
def cache_is_shared(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    from .rule_map import LIFETIME

    backend = settings.CACHES.get("default", {}).get("BACKEND", "")
    if not backend.endswith(UNSHARED_CACHES):
        return []
    return [
        Warning(
            "The default cache is not shared between processes: a new paywall rule closes a page up to "
            f"{LIFETIME} seconds late in the others.",
            hint="Use Redis, Memcached or the database cache for CACHES['default'], or run one process.",
            id="cms_billing.W043",
        )
    ]


@register("cms_billing", "urls")
def api_is_guarded(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not apps.is_installed("wagtail.api.v2"):
        return []
    from wagtail.api.v2.views import PagesAPIViewSet
    from wagtail.documents.api.v2.views import DocumentsAPIViewSet
    from wagtail.images.api.v2.views import ImagesAPIViewSet

    from . import api

    guards = {
        PagesAPIViewSet: (api.PaywallMixin, api.PagesAPIViewSet, "pages"),
        DocumentsAPIViewSet: (api.FilesMixin, api.DocumentsAPIViewSet, "documents"),
        ImagesAPIViewSet: (api.FilesMixin, api.ImagesAPIViewSet, "images"),
    }
    views = sorted(set(_view_classes(get_resolver().url_patterns)), key=lambda view: view.__name__)
    return [
        Error(
            f"{view.__module__}.{view.__name__} hands out {what} behind the paywall.",
            hint=f"Register cms_billing.paywall.api.{ours.__name__} in its place, or mix in its {mixin.__name__}.",
            id="cms_billing.E044",
        )
        for view in views
        for theirs, (mixin, ours, what) in guards.items()
        if issubclass(view, theirs)
        and not issubclass(view, mixin)
        and not (view.__module__.startswith("wagtail.") and ".admin." in view.__module__)
    ]


@register("cms_billing")
def api_v3_is_guarded(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    from . import api_v3

    if api_v3.is_guarded():
        return []
    return [
        Error(
            "Wagtail's API v3 hands out the fields of pages behind the paywall: something has taken its guard away.",
            hint="Leave wagtail.api.v3.querysets.get_pages_queryset as cms_billing.paywall has set it, or wrap it.",
            id="cms_billing.E046",
        )
    ]


@register("cms_billing")
def closed_pages_of_apis_are_known(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    from .api_teasers import HIDDEN, TEASER

    chosen = billing_settings().api_closed_pages
    if chosen in (HIDDEN, TEASER):
        return []
    return [
        Error(
            f"CMS_BILLING['API_CLOSED_PAGES'] is {chosen!r}.",
            hint=f"Choose {HIDDEN!r} or {TEASER!r}.",
            id="cms_billing.E047",
        )
    ]


def _view_classes(patterns: list[Any]) -> Iterator[type]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _view_classes(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            view = _unwrapped(pattern.callback)
            if isinstance(view, type):
                yield view


def _unwrapped(view: Any) -> Any:
    """The class behind ``as_view()`` and decorators."""
    while view is not None:
        for name in ("cls", "view_class"):
            if isinstance(getattr(view, name, None), type):
                return getattr(view, name)
        view = getattr(view, "__wrapped__", None)
    return None
