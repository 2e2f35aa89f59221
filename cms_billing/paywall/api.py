"""Wagtail's API v2 behind the same decision: pages that the caller may not read are not there.

from cms_billing.paywall.api import PagesAPIViewSet

api_router.register_endpoint("pages", PagesAPIViewSet)
"""

from __future__ import annotations

from typing import Any

from django.utils.cache import patch_vary_headers
from wagtail.api.v2.views import PagesAPIViewSet as OpenPagesAPIViewSet

from cms_billing.core import clock

from .selectors import visible_to


class PaywallMixin:
    """Before a viewset of pages. Answers depend on who asks, so no shared cache may keep those of a member."""

    request: Any

    def get_base_queryset(self) -> Any:
        pages = super().get_base_queryset()  # type: ignore[misc]
        return visible_to(pages, self.request.user, today=clock.today())

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        patch_vary_headers(response, ["Cookie", "Authorization"])
        if request.user.is_authenticated:
            response["Cache-Control"] = "private, no-store"
        return response


class PagesAPIViewSet(PaywallMixin, OpenPagesAPIViewSet):
    """Wagtail's endpoint for pages, guarded."""
