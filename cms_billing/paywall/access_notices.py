"""Editors are told at once when a page that they move, copy or convert is read by others than before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic.base import View
from wagtail import hooks
from wagtail.admin import messages
from wagtail.admin.views.pages.bulk_actions.page_bulk_action import PageBulkAction
from wagtail.log_actions import LogFormatter
from wagtail.models import Page, PageLogEntry

from cms_billing.core.exceptions import BillingError

from . import texts
from .access_changes import (
    CHANGED,
    AccessChange,
    changes_by_copying,
    changes_by_having_moved,
    changes_by_moving,
    facts_of,
    in_words,
    said_before,
)
from .rule_map import RuleMap, RulesUnreadable, current_rules
from .services import keep_access, note_change

MOVED, COPIED, CONVERTED = "moved", "copied", "converted"
_BEFORE = "_cms_billing_places_before"
# So many pages are named in one message.
MOST_NAMED = 5

HEADINGS: dict[str, Any] = {
    MOVED: gettext_lazy("The move has changed who may read:"),
    COPIED: gettext_lazy("The copy is read by others than the original:"),
    CONVERTED: gettext_lazy(
        "It is no alias any more and follows its own place. That has changed who may read:"
    ),
    "": gettext_lazy("If you move this page, it changes who may read:"),
}
BEFORE = {MOVED: texts.BEFORE, COPIED: texts.ORIGINAL, CONVERTED: texts.BEFORE, "": texts.SO_FAR}
HISTORY: dict[str, Any] = {
    MOVED: gettext_lazy("Moving the page changed who may read it. %(before)s"),
    COPIED: gettext_lazy("The copy is read by others than its original. %(before)s"),
    CONVERTED: gettext_lazy("Being no alias any more changed who may read the page. %(before)s"),
}


@dataclass(frozen=True)
class PlacesBefore:
    """The rules before pages move, and where these pages stood, by id."""

    rules: RuleMap
    paths: dict[int, str]


def before_move(request: HttpRequest, page: Page, destination: Page) -> None:
    """Wagtail asks here when it shows the question and when it is answered."""
    with suppress(RulesUnreadable):
        if request.method == "POST":
            # Translations may move along.
            remember(request, Page.objects.filter(translation_key=page.translation_key))
        else:
            tell(request, changes_by_moving(page, destination))


def after_move(request: HttpRequest, page: Page) -> None:
    with suppress(RulesUnreadable):
        tell_of_moves(request)


def before_bulk_move(request: HttpRequest, action_type: str, objects: Any, action: Any) -> None:
    if is_bulk_move(action_type, action):
        with suppress(RulesUnreadable):
            remember(request, objects)


def after_bulk_move(request: HttpRequest, action_type: str, objects: Any, action: Any) -> None:
    if is_bulk_move(action_type, action):
        with suppress(RulesUnreadable):
            tell_of_moves(request)


def after_copy(request: HttpRequest, page: Page, copy: Page) -> None:
    with suppress(RulesUnreadable):
        tell(request, changes_by_copying(page, copy), COPIED)


def before_convert_alias(request: HttpRequest, page: Page) -> None:
    if request.method == "POST":
        with suppress(RulesUnreadable):
            remember(request, [page])


def after_convert_alias(request: HttpRequest, page: Page) -> None:
    with suppress(RulesUnreadable):
        before = getattr(request, _BEFORE)
        found = changes_by_having_moved(page, from_path=page.path, before=before.rules)
        tell(request, found, CONVERTED)


def is_bulk_move(action_type: str, action: Any) -> bool:
    return action_type == "move" and isinstance(action, PageBulkAction)


def remember(request: HttpRequest, pages: Iterable[Page]) -> None:
    setattr(request, _BEFORE, PlacesBefore(current_rules(), {page.pk: page.path for page in pages}))


def tell_of_moves(request: HttpRequest) -> None:
    before: PlacesBefore | None = getattr(request, _BEFORE, None)
    if before is None:
        return
    moved = [page for page in Page.objects.filter(pk__in=before.paths) if page.path != before.paths[page.pk]]
    found = [
        change
        for page in moved
        for change in changes_by_having_moved(page, from_path=before.paths[page.pk], before=before.rules)
    ]
    tell(request, found, MOVED)


def tell(request: HttpRequest, changes: Sequence[AccessChange], how: str = "") -> None:
    """One message for all of them. ``how`` empty: nothing has happened yet."""
    if not changes:
        return
    kept = [entry for change in changes if (entry := note(request, change, how))] if how else []
    named = [
        (change, list(in_words(change, before=BEFORE[how])), rule_url(request, change))
        for change in changes[:MOST_NAMED]
    ]
    context = {
        "heading": HEADINGS[how],
        "named": named,
        "more": len(changes) - len(named),
        "kept": kept,
    }
    text = render_to_string("cms_billing/paywall/admin/access_changed.html", context, request=request)
    messages.warning(request, text, extra_tags="safe")


def rule_url(request: HttpRequest, change: AccessChange) -> str:
    """Where the rule is set, for who may."""
    may = change.page.permissions_for_user(request.user).can_publish()
    return reverse("billing-paywall:page_rule", args=[change.page.pk]) if may else ""


def note(request: HttpRequest, change: AccessChange, how: str) -> PageLogEntry | None:
    """Into the history; the entry is given back where the asker may undo the change."""
    entry = note_change(
        page=change.page,
        how=how,
        before=facts_of(change.before),
        after=facts_of(change.after),
        section=change.before.page_title if change.before else "",
        user=request.user,
    )
    may = change.page.alias_of_id is None and change.page.permissions_for_user(request.user).can_publish()
    return entry if may else None


class KeepAccessView(View):
    """One click: the pages get back the access they had before they were moved, copied or converted."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        asked = [pk for pk in request.POST.getlist("change") if pk.isdigit()]
        known = PageLogEntry.objects.filter(pk__in=asked, action=CHANGED).select_related("page")
        # What is above first: what is below it may need no rule of its own then.
        entries = list(known.order_by("page__path"))
        if not entries:
            return redirect("wagtailadmin_home")
        with transaction.atomic():
            for entry in entries:
                self.keep(entry)
        first = entries[0]
        if request.POST.get("back") == "page":
            return redirect("wagtailadmin_pages:edit", first.page_id)
        return redirect("wagtailadmin_explore", first.page.get_parent().pk)

    def keep(self, entry: PageLogEntry) -> None:
        page, user = entry.page, self.request.user
        if not page.permissions_for_user(user).can_publish():
            raise PermissionDenied
        if facts_of(current_rules().rule_for(page.path)) == entry.data["before"]:
            return
        try:
            keep_access(change=entry, user=user)
        except BillingError as error:
            messages.error(self.request, str(error))
            return
        rule = current_rules().rule_for(page.path)
        says = texts.covered_by(rule, page_id=page.pk)
        messages.success(
            self.request, _("“%(page)s”: %(says)s") % {"page": page.get_admin_display_title(), "says": says}
        )


class ChangeFormatter(LogFormatter):
    label = gettext_lazy("Change access")

    def format_message(self, log_entry: Any) -> str:
        return str(HISTORY[log_entry.data["how"]]) % {"before": said_before(log_entry)}


def register_hooks() -> None:
    hooks.register("before_move_page", before_move)
    hooks.register("after_move_page", after_move)
    hooks.register("after_copy_page", after_copy)
    hooks.register("before_convert_alias_page", before_convert_alias)
    hooks.register("after_convert_alias_page", after_convert_alias)
    hooks.register("before_bulk_action", before_bulk_move)
    hooks.register("after_bulk_action", after_bulk_move)
