"""Member-facing pages: the site's own frame around them, and no copy left in any cache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from .conf import billing_settings

Response = TypeVar("Response", bound=HttpResponseBase)


def private_page(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a page for one person: it extends ``CMS_BILLING["BASE_TEMPLATE"]`` and is never cached."""
    response = render(
        request, template, {"base_template": billing_settings().base_template, **context}, status=status
    )
    return keep_private(response)


def keep_private(response: Response) -> Response:
    """``Cache-Control: private, no-store`` and what older proxies want to hear."""
    add_never_cache_headers(response)
    return response
