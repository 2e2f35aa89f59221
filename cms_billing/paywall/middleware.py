"""The doors that no view has of its own: what is rendered (a page may be shown by another page's route, or by any
view), guarded beginnings of addresses, and Wagtail's view that scales images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from wagtail.images import get_image_model
from wagtail.images.views.serve import ServeView
from wagtail.models import PAGE_TEMPLATE_VAR, Page

from . import gate, listings, rule_gate, views, visibility
from .files import gate as files_gate
from .prefixes import prefixes, refusal_by_address
from .rule_map import RulesUnreadable, one_version
from .rules import RULES_UNREADABLE


class PaywallMiddleware:
    """Directly after authentication in ``MIDDLEWARE``. Wagtail's own route has a hook as well (``wagtail_hooks``)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with one_version():
            return self._guarded(request)

    def _guarded(self, request: HttpRequest) -> HttpResponse:
        # Others behind us (Oscar's basket) ask for the user of each request, which would open a session for guests.
        gate.settle_guest(request)
        response = self.get_response(request)
        if not gate.was_refused(response):
            response = self._answered_by_others(request, response)
        # Once more, from outside: a view or decorator may have set its own headers since.
        for decision in gate.decisions(request).values():
            gate.stamp(response, decision)
        visibility.stamp(request, response)
        listings.stamp_listing(request, response)
        return response

    def _answered_by_others(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Middleware behind us may answer without a view (redirects, flat pages): not below a guarded address."""
        refused: Any = refusal_by_address(request) if prefixes() else None
        if refused is None:
            return response
        response.close()
        return refused.render() if hasattr(refused, "render") else refused

    def process_view(
        self, request: HttpRequest, view: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """None where the view may answer."""
        refused = refusal_by_address(request) if prefixes() else None
        if refused is None and serves_images(view):
            refused = refusal_of_image(request, kwargs.get("image_id") or args[1])
        return refused

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Lists, searches, feeds, sitemaps: a view asked for what one may read, and nobody knows."""
        if not isinstance(exception, RulesUnreadable):
            return None
        views.log_unreadable(request, exception)
        return rule_gate.refuse(request, RULES_UNREADABLE, title="")

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


def serves_images(view: Any) -> bool:
    """Wagtail's dynamic image view checks the signature of its address, and nothing else."""
    kind = getattr(view, "view_class", None)
    return isinstance(kind, type) and issubclass(kind, ServeView)


def refusal_of_image(request: HttpRequest, image_id: Any) -> Any:
    image = get_image_model().objects.filter(pk=int(image_id or 0)).first()
    if image is None:
        return None
    decision = files_gate.access(request, image)
    return None if decision.granted else files_gate.refuse(request, image, decision)


def in_admin(request: HttpRequest) -> bool:
    """Editors' screens have pages in their context too; Wagtail's permissions guard those."""
    home = _admin_home(get_urlconf() or settings.ROOT_URLCONF, get_script_prefix())
    return bool(home) and request.path.startswith(home)


@lru_cache(maxsize=16)
def _admin_home(urlconf: str, prefix: str) -> str:
    """Where the admin is, looked up once: every page that is rendered asks for it."""
    try:
        return reverse("wagtailadmin_home")
    except NoReverseMatch:
        return ""
