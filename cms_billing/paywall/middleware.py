"""The door that looks at what is rendered: a page may be shown by another page's route, or by any view."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from wagtail.models import PAGE_TEMPLATE_VAR, Page

from . import gate, visibility


class PaywallMiddleware:
    """Directly after authentication in ``MIDDLEWARE``. Wagtail's own route has a hook as well (``wagtail_hooks``)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Others behind us (Oscar's basket) ask for the user of each request, which would open a session for guests.
        gate.settle_guest(request)
        response = self.get_response(request)
        # Once more, from outside: a view or decorator may have set its own headers since.
        for decision in gate.decisions(request).values():
            gate.stamp(response, decision)
        visibility.stamp(request, response)
        return response

    def process_template_response(self, request: HttpRequest, response: Any) -> Any:
        if gate.was_refused(response) or in_admin(request):
            return response
        for page in rendered_pages(response):
            decision = gate.access(request, page)
            if not decision.granted:
                return gate.refuse(request, page, decision)
            response.context_data.setdefault("paywall_decision", decision)
        return response


def rendered_pages(response: Any) -> Iterator[Page]:
    """The page that the template gets, under Wagtail's names for it; not the form that asks for its password."""
    context = getattr(response, "context_data", None)
    if not isinstance(context, dict):
        return
    found: dict[int, Page] = {}
    for name in (PAGE_TEMPLATE_VAR, "self"):
        page = context.get(name)
        if isinstance(page, Page) and page.pk and not asks_for_password(response, context):
            found[page.pk] = page
    yield from found.values()


def asks_for_password(response: Any, context: dict[str, Any]) -> bool:
    """Wagtail's own restriction has refused already, and the page's teaser is not for those outside either."""
    from wagtail.forms import PasswordViewRestrictionForm

    return isinstance(context.get("form"), PasswordViewRestrictionForm) and "action_url" in context


def in_admin(request: HttpRequest) -> bool:
    """Editors' screens have pages in their context too; Wagtail's permissions guard those."""
    try:
        return request.path.startswith(reverse("wagtailadmin_home"))
    except NoReverseMatch:
        return False
