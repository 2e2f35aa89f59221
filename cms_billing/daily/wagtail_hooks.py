from __future__ import annotations

from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.menu import MenuItem
from wagtail.admin.ui.components import Component

from cms_billing.core import clock
from cms_billing.core.admin import BILLING_MENU_HOOK
from cms_billing.core.ui.viewsets import permissions_for
from cms_billing.faktura.models import OpenItem

from . import selectors, views
from .models import ParkedRow
from .viewsets import RunViewSet


@hooks.register("register_admin_urls")
def admin_urls() -> list:
    return [
        path("billing/", views.TodoView.as_view(), name="billing_todo"),
        path("billing/failed/", views.FailedWorkView.as_view(), name="billing_failed_work"),
        path("billing/failed/try-again/", views.RetryView.as_view(), name="billing_retry"),
        path("billing/posted/<int:pk>/", views.PostedView.as_view(), name="billing_posted"),
        path("billing/start-run/", views.StartRunView.as_view(), name="billing_start_run"),
        path("billing/preview/", views.PreviewView.as_view(), name="billing_preview"),
        path("billing/progress/<int:pk>/", views.ProgressView.as_view(), name="billing_progress"),
    ]


@hooks.register("register_admin_viewset")
def register_viewset() -> RunViewSet:
    return RunViewSet()


@hooks.register("register_permissions")
def permissions_of_the_todo_list():
    """They have no page of their own, and say who sees which part of the list."""
    return permissions_for(OpenItem, ParkedRow).filter(codename__startswith="view_")


class TodoMenuItem(MenuItem):
    def is_shown(self, request) -> bool:
        return any(request.user.has_perm(name) for name in views.ANY_VIEW)


@hooks.register(BILLING_MENU_HOOK)
def todo_menu_item() -> MenuItem:
    return TodoMenuItem(
        _("To do"), reverse("billing_todo"), name="billing-todo", icon_name="tasks", order=100
    )


class TodoPanel(Component):
    """On Wagtail's dashboard: how much waits, each number leading to the list."""

    name = "billing_todo"
    template_name = "cms_billing/daily/admin/home_panel.html"
    order = 120

    def __init__(self, user) -> None:
        self.user = user

    @cached_property
    def counts(self) -> selectors.Counts:
        return selectors.todo_counts(self.user, today=clock.today())

    def get_context_data(self, parent_context) -> dict:
        counts = self.counts
        named = [
            (_("left by the daily run"), counts.parked, True),
            (_("failed"), counts.failed, True),
            (_("cases to decide"), counts.to_decide, True),
            (_("to post"), counts.to_post, True),
            (_("to pay back"), counts.to_pay_back, True),
            (_("differences with providers"), counts.differing, True),
            (_("due today"), counts.due_today, False),
            (_("overdue"), counts.overdue, False),
        ]
        rows = [
            {"label": label, "count": n, "urgent": urgent and n > 0}
            for label, n, urgent in named
            if n is not None
        ]
        return {"rows": rows, "url": reverse("billing_todo")}


@hooks.register("construct_homepage_panels")
def add_todo_panel(request, panels) -> None:
    if any(request.user.has_perm(name) for name in views.ANY_VIEW):
        panels.append(TodoPanel(request.user))
