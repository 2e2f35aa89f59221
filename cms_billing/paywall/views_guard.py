"""The paywall before any Django view: by plans, or as a page is closed.

@requires_plans("gold", "silver")
def download(request): ...

@requires_access_to("/courses/guitar/")
def exercise(request, number): ...

class Exercise(PlansRequiredMixin, TemplateView):
    plan_codes = ("guitar",)

Who may not is answered as on a closed page: the plans and a login (403), what is owed (402), JSON to programs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.translation import gettext as _
from wagtail.models import Page, Site

from . import gate, rule_gate
from .plan_codes import rule_of_codes


@dataclass(frozen=True)
class Guard:
    """What a guarded view carries as ``paywall_guard``, so that audits know who may see it. Without ``codes`` it
    follows a page."""

    codes: tuple[str, ...] = ()
    closes_at: int | None = None


View = TypeVar("View", bound=Callable[..., Any])
FindPage = Callable[..., Page | None]


def requires_plans(*codes: str, title: str = "", closes_at: int | None = None) -> Callable[[View], View]:
    """Only members of a plan with one of these codes get the view's answer. ``closes_at`` as in a page's rule."""
    if not codes or not all(isinstance(code, str) for code in codes):
        raise ImproperlyConfigured('Name the plans: @requires_plans("gold").')

    def refusal(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return refusal_by_plans(request, codes, title=title, closes_at=closes_at)

    return partial(_guarded, refusal, Guard(codes, closes_at))


def requires_access_to(page: str | FindPage) -> Callable[[View], View]:
    """Only who may read the page gets the view's answer: its path on the site, or a function of the view's arguments.

    A page that is not there closes the view: nobody gets in by a typo.
    """

    def refusal(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        found = page(request, *args, **kwargs) if callable(page) else page_at(request, page)
        return refusal_like(request, found)

    return partial(_guarded, refusal, Guard())


def _guarded(refusal: Callable[..., Any], guard: Guard, view: View) -> View:
    guarded = _later(refusal, view) if iscoroutinefunction(view) else _now(refusal, view)
    # Decorators around it take this over.
    guarded.paywall_guard = guard  # type: ignore[attr-defined]
    return guarded


def guard_of(view: Any) -> Guard | None:
    """Of a view function, or of one made by ``as_view``."""
    kind = getattr(view, "view_class", None)
    if isinstance(kind, type) and issubclass(kind, PlansRequiredMixin):
        return Guard(tuple(kind.plan_codes), kind.closes_at)
    if isinstance(kind, type) and issubclass(kind, PageAccessMixin):
        return Guard()
    return getattr(view, "paywall_guard", None)


def _later(refusal: Callable[..., Any], view: View) -> View:

    @wraps(view)
    async def guarded_later(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        refused = await sync_to_async(refusal)(request, *args, **kwargs)
        return refused or await view(request, *args, **kwargs)

    return guarded_later  # type: ignore[return-value]


def _now(refusal: Callable[..., Any], view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return refusal(request, *args, **kwargs) or view(request, *args, **kwargs)

    return guarded  # type: ignore[return-value]


class PlansRequiredMixin:
    """Before a class-based view."""

    plan_codes: Sequence[str] = ()
    closes_at: int | None = None
    paywall_title = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not self.plan_codes or isinstance(self.plan_codes, str):
            raise ImproperlyConfigured(f'{type(self).__name__} has no plan_codes = ("code", …).')
        refused = refusal_by_plans(
            request, self.plan_codes, title=self.paywall_title, closes_at=self.closes_at
        )
        return refused or super().dispatch(request, *args, **kwargs)  # type: ignore[misc]


class PageAccessMixin:
    """Before a class-based view that is as closed as a page: ``paywall_page`` is its path, or a method finds it."""

    paywall_page = ""

    def get_paywall_page(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Page | None:
        return page_at(request, self.paywall_page)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        refused = refusal_like(request, self.get_paywall_page(request, *args, **kwargs))
        return refused or super().dispatch(request, *args, **kwargs)  # type: ignore[misc]


def refusal_by_plans(
    request: HttpRequest, codes: Sequence[str], *, title: str = "", closes_at: int | None = None
) -> Any:
    """The answer to who holds none of the plans; None for members. Either way no shared cache keeps what follows."""
    find = partial(rule_of_codes, codes, title=title, closes_at=closes_at)
    decision = rule_gate.access_by_rule(request, ("plans", frozenset(codes), closes_at), find)
    return None if decision.granted else rule_gate.refuse(request, decision, title=title or _("For members"))


def refusal_like(request: HttpRequest, page: Page | None) -> Any:
    if page is None:
        return rule_gate.refuse(request, rule_gate.CLOSED_TO_ALL, title=_("For members"))
    decision = gate.access(request, page)
    return None if decision.granted else gate.refuse(request, page.specific, decision)


def page_at(request: HttpRequest, path: str) -> Page | None:
    """The live page at this path of the request's site."""
    site = Site.find_for_request(request)
    if site is None:
        return None
    url_path = site.root_page.url_path.rstrip("/") + f"/{path.strip('/')}/".replace("//", "/")
    return Page.objects.live().filter(url_path=url_path).first()
