"""A page as a made-up visitor gets it: for editors' previews, never from anything that a request of the site says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from wagtail.models import Page

    from .view_as import ViewAs

PREFIX = "paywall:"

# In the words of the list an editor chooses from.
LABELS: dict[str, Any] = {
    "guest": _("Guest"),
    "user": _("Logged in, without a plan"),
    "member": _("Member: %(plan)s"),
    "arrears": _("Member in arrears, reminder %(level)s"),
    "locked": _("Locked member"),
    "ended": _("Former member: withdrawn or ended"),
    "not_started": _("Member whose contract starts in two weeks"),
    "new": _("Member since today"),
    "quota": _("Guest with a free page"),
    "used_up": _("Guest without any free page left"),
    "gift": _("Guest with a gift link"),
}


def label_of(visitor: ViewAs) -> str:
    plan = visitor.plan.name if visitor.plan else ""
    return str(LABELS[visitor.kind]) % {"plan": plan, "level": visitor.level}


def visitors_of(page: Page) -> list[ViewAs]:
    """Whom one may be on this page. Raises RulesUnreadable."""
    from .rule_map import current_rules
    from .rules import RulePlan
    from .view_as import visitors

    known = current_rules()
    plans = [RulePlan(plan.id, plan.name) for plan in known.plans.values()]
    return visitors(known.rule_for(page.path), plans)


def serve_as(
    page: Page,
    request: HttpRequest,
    visitor: ViewAs,
    serve: Callable[[HttpRequest], HttpResponse],
) -> HttpResponse:
    """What the visitor gets: the page by ``serve``, with the blocks that they see, or what stands in for it."""
    from . import gate
    from .rules import Visitor

    gate.view_as(request, visitor)
    if visitor.visitor is Visitor.GUEST:
        request.user = AnonymousUser()
    decision = gate.access(request, page)
    if not decision.granted:
        return gate.refuse(request, page, decision)
    response = serve(request)
    if isinstance(getattr(response, "context_data", None), dict):
        response.context_data.setdefault("paywall_decision", decision)  # type: ignore[attr-defined]
    return response


def preview_as(page: Page, request: HttpRequest, visitor: ViewAs, mode: str = "") -> HttpResponse:
    """The page (a draft, too; of any class) through Wagtail's own preview."""
    served = page.serve_preview

    def serve_preview(dummy: HttpRequest, mode_name: str) -> HttpResponse:
        return serve_as(page, dummy, visitor, lambda given: served(given, mode_name))

    page.serve_preview = serve_preview
    try:
        return page.make_preview_request(request, mode)
    finally:
        del page.serve_preview


class ViewAsMixin:
    """Before ``Page``: Wagtail's preview panel offers the page as each visitor gets it.

    class ArticlePage(ViewAsMixin, Page): ...
    """

    path: str

    @property
    def preview_modes(self) -> list[tuple[str, Any]]:
        from .rule_map import RulesUnreadable

        modes = list(super().preview_modes)  # type: ignore[misc]
        try:
            return [*modes, *((PREFIX + visitor.key, label_of(visitor)) for visitor in visitors_of(self))]
        except RulesUnreadable:
            return modes

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        from .view_as import visitor_called

        serve = super().serve_preview  # type: ignore[misc]
        if not (mode_name or "").startswith(PREFIX):
            return serve(request, mode_name)
        visitor = visitor_called(mode_name.removeprefix(PREFIX), visitors_of(self))
        if visitor is None:
            # The rule changed since the list was made: then the strictest answer.
            visitor = visitors_of(self)[0]
        first_mode = super().default_preview_mode  # type: ignore[misc]
        return serve_as(self, request, visitor, lambda given: serve(given, first_mode))
