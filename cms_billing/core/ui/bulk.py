"""Bulk actions of billing lists: Wagtail's own bar of checkboxes, scoped like everything else.

``BillingModelViewSet.bulk_actions`` names them. What is selected is looked up among the rows the user may see, so a
neighbour's id in the address or in the form stands for nothing; "all in listing" means the rows the filters leave.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property, classproperty
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from wagtail import hooks
from wagtail.admin import messages
from wagtail.admin.views.bulk_action import BulkAction

from ..exceptions import BillingError
from .scope import rows_visible_to

logger = logging.getLogger(__name__)

SHOWN = 20


@dataclass(frozen=True)
class BulkProblem:
    """A row nothing was done with, and why."""

    row: Any
    reason: str


@dataclass(frozen=True)
class BulkResult:
    done: Sequence[Any]
    problems: Sequence[BulkProblem]


class BillingBulkAction(BulkAction):
    """One action for many rows. Subclasses name ``action_type``, ``display_name``, ``aria_label``, ``permission`` and
    give ``perform(row, form)``, which calls one service for one row; an error is that row's own problem.

    ``limit`` is how many rows one go may take.
    """

    template_name = "cms_billing/core/admin/bulk_action.html"
    permission = ""
    explanation: Any = ""
    action_label: Any = ""
    is_dangerous = False
    limit = 500
    viewset: Any = None

    @classproperty
    def models(cls) -> list[Any]:  # noqa: N805
        return [cls.viewset.model] if cls.viewset else []

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(self.permission):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    # What is selected

    def selected(self) -> QuerySet[Any]:
        """The rows chosen, of those the user may see: by the form that was shown, else by the list's checkboxes."""
        if self.request.method == "POST" and "ids" in self.request.POST:
            return self._rows(self.request.POST["ids"].split(","))
        chosen = self.request.GET.getlist("id")
        if "all" in chosen:
            return self.viewset.listed(self.request)
        return self._rows(chosen)

    def _rows(self, keys: Iterable[str]) -> QuerySet[Any]:
        numbers = [int(key) for key in keys if key.isascii() and key.isdigit() and len(key) < 19]
        return self.detailed(rows_visible_to(self.model, self.request.user).filter(pk__in=numbers))

    def detailed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """With what ``obstacle`` and ``perform`` look at."""
        return rows

    @cached_property
    def rows(self) -> list[Any]:
        return list(self.selected()[: self.limit + 1])

    @property
    def is_too_much(self) -> bool:
        return len(self.rows) > self.limit

    def obstacle(self, row: Any) -> str:
        """Why the action makes no sense for a row; empty: it does."""
        return ""

    @cached_property
    def sorted_out(self) -> tuple[list[Any], list[BulkProblem]]:
        fitting, problems = [], []
        for row in self.rows:
            if reason := self.obstacle(row):
                problems.append(BulkProblem(row, reason))
            else:
                fitting.append(row)
        return fitting, problems

    def get_actionable_objects(self) -> tuple[list[Any], dict[str, Any]]:
        return self.sorted_out[0], {"items_with_no_access": []}

    # Doing it

    def perform(self, row: Any, form: forms.Form) -> Any:
        raise NotImplementedError

    def perform_all(self, rows: Sequence[Any], form: forms.Form) -> BulkResult:
        """Each row on its own: what fails stops nobody else."""
        done, problems = [], []
        for row in rows:
            try:
                self.perform(row, form)
                done.append(row)
            except BillingError as error:
                problems.append(BulkProblem(row, str(error)))
            except Exception:
                logger.exception("%s failed for %s %s", self.action_type, self.model._meta.label, row.pk)
                problems.append(BulkProblem(row, _("An unexpected error; it was written to the log.")))
        return BulkResult(done, problems)

    def success_message(self, count: int) -> str:
        return ngettext("%(count)s row done.", "%(count)s rows done.", count) % {"count": count}

    def form_valid(self, form: forms.Form) -> HttpResponseBase:
        """Without a transaction around it all: each row has its own."""
        if self.is_too_much:
            return self.render_to_response(self.get_context_data(form=form))
        rows, unfit = self.sorted_out
        if response := self._hooked("before_bulk_action", rows):
            return response
        result = self.perform_all(rows, form)
        if response := self._hooked("after_bulk_action", list(result.done)):
            return response
        if result.done:
            messages.success(self.request, self.success_message(len(result.done)))
        problems = [*unfit, *result.problems]
        if not problems:
            return redirect(self.next_url)
        return self._told(problems)

    def _hooked(self, name: str, rows: list[Any]) -> HttpResponse | None:
        for hook in hooks.get_hooks(name):
            result = hook(self.request, self.action_type, rows, self)
            if hasattr(result, "status_code"):
                return result
        return None

    def _told(self, problems: Sequence[BulkProblem]) -> HttpResponse:
        context = self._page_context()
        context.update(
            problems=[self._shown(problem) for problem in problems],
            is_done=True,
        )
        return self.render_to_response(context)

    # The page that asks

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows, unfit = self.sorted_out
        context = self._page_context()
        context["form"] = kwargs.get("form") or self.get_form()
        context.update(
            too_much=self.is_too_much,
            items=[{"row": row, "url": self._url(row), "note": self.note(row)} for row in rows[:SHOWN]],
            count=len(rows),
            more=max(0, len(rows) - SHOWN),
            problems=[self._shown(problem) for problem in unfit[:SHOWN]],
            more_problems=max(0, len(unfit) - SHOWN),
            ids=",".join(str(row.pk) for row in rows),
            is_done=False,
        )
        return context

    def note(self, row: Any) -> str:
        """What else to show of a row on the page that asks."""
        return ""

    def _page_context(self) -> dict[str, Any]:
        return {
            "view": self,
            "next": self.next_url,
            "limit": self.limit,
            "header_title": self.display_name,
            "page_title": self.display_name,
            "breadcrumbs_items": [
                {"url": reverse("wagtailadmin_home"), "label": _("Home")},
                {"url": self.next_url, "label": str(self.model._meta.verbose_name_plural).capitalize()},
                {"url": "", "label": self.display_name},
            ],
            "submit_url": f"{self.request.path}?{self.request.META.get('QUERY_STRING', '')}",
        }

    def _url(self, row: Any) -> str:
        return reverse(self.viewset.get_url_name("inspect"), args=[row.pk])

    def _shown(self, problem: BulkProblem) -> dict[str, Any]:
        return {"row": problem.row, "url": self._url(problem.row), "reason": problem.reason}


class AnswerAtOnce(BillingBulkAction):
    """A bulk action that changes nothing and asks nothing: it answers with a file."""

    def answer(self, rows: list[Any]) -> HttpResponseBase:
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        rows, problems = self.sorted_out
        obstacle = self.obstacle_to_all()
        if self.is_too_much or obstacle or not rows:
            messages.error(request, obstacle or self._too_much_or_nothing(problems))
            return redirect(self.next_url)
        return self.answer(rows)

    post = get

    def obstacle_to_all(self) -> str:
        return ""

    def _too_much_or_nothing(self, problems: list[BulkProblem]) -> str:
        if self.is_too_much:
            return _("More than %(limit)s rows are selected. Narrow the list with filters.") % {
                "limit": self.limit
            }
        return problems[0].reason if problems else _("Nothing is selected.")


def register_bulk_actions(viewset: Any, actions: Iterable[type[BillingBulkAction]]) -> list[Any]:
    """Make the actions known to Wagtail's bulk action address, bound to the viewset."""
    bound = [type(action.__name__, (action,), {"viewset": viewset}) for action in actions]
    for action in bound:
        hooks.register("register_bulk_action", action)
    return bound
