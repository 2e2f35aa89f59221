"""“Paywall” beside Status, Preview and Comments in the page editor, and in the explorer.

Wagtail (8.0) has no hook for side panels of pages, so its two views get theirs through one wrapper around
``get_side_panels``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.forms import Media
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from wagtail.admin.staticfiles import versioned_static
from wagtail.admin.ui.side_panels import BaseSidePanel
from wagtail.models import Page

from cms_billing.core import clock

from . import texts
from .access_changes import is_closed, said_before, unsettled_change
from .files.used import closed_files_of
from .models import FileMove
from .previewing import label_of, visitors_of
from .rule_form import TermsForm
from .rule_map import RuleMap, RulesUnreadable, current_rules
from .rule_texts import terms_in_words
from .rules import Rule
from .teasers import has_divider
from .terms import Preview

MOST_BELOW = MOST_FILES = 8
EDIT_FILE: dict[str, str] = {
    FileMove.Kind.DOCUMENT: "wagtaildocs:edit",
    FileMove.Kind.IMAGE: "wagtailimages:edit",
}


class PaywallSidePanel(BaseSidePanel):
    class SidePanelToggle(BaseSidePanel.SidePanelToggle):
        aria_label = _("Toggle paywall")
        icon_name = "lock-open"
        has_counter = False

    name = "paywall"
    title = _("Paywall")
    template_name = "cms_billing/paywall/admin/side_panel.html"
    order = 150

    @property
    def media(self) -> Media:
        """The dialog with the form of the rule."""
        files = ("rule_form.js", "rule_dialog.js")
        js = [versioned_static(f"cms_billing/paywall/{name}") for name in files]
        css: dict[str, Any] = {"all": [versioned_static("cms_billing/paywall/rules.css")]}
        return Media(js=js, css=css) + TermsForm().media

    def __init__(self, page: Page, request: Any) -> None:
        super().__init__(page, request)
        try:
            self.rules: RuleMap | None = current_rules()
        except RulesUnreadable:
            self.rules = None
        self.rule = self.rules.rule_for(page.path) if self.rules else None
        if is_closed(self.rule):
            self.toggle.icon_name = "lock"

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:
        context = super().get_context_data(parent_context)
        page = self.object
        permissions = page.permissions_for_user(self.request.user)
        below, files = self.below(), self.closed_files()
        return {
            **context,
            "unreadable": self.rules is None,
            "says": texts.covered_by(self.rule, page_id=page.pk),
            "terms": terms_in_words(self.rule) if self.rule else [],
            "section": self.section(),
            "divider_missing": self.divider_missing(),
            "files": files[:MOST_FILES],
            "more_files": max(0, len(files) - MOST_FILES),
            "below": below[:MOST_BELOW],
            "more_below": max(0, len(below) - MOST_BELOW),
            "rule_url": self.address("page_rule") if permissions.can_publish() else "",
            "visitors": self.visitors() if permissions.can_edit() or permissions.can_publish() else [],
            "explain_url": self.explain_url(),
            **self.change(may_publish=permissions.can_publish()),
        }

    def change(self, *, may_publish: bool) -> dict[str, Any]:
        """By moving or copying it the page's access changed, and nobody has said since what it should be."""
        entry = unsettled_change(self.object) if self.rules else None
        if entry is None:
            return {}
        undo = entry if may_publish and self.object.alias_of_id is None else None
        return {"changed": entry, "before": said_before(entry), "undo": undo}

    def section(self) -> tuple[str, str] | None:
        """Title and address of the section whose rule counts, where that is another page."""
        if self.rule is None or self.rule.always or self.rule.page_id in (0, self.object.pk):
            return None
        return self.rule.page_title, reverse("wagtailadmin_pages:edit", args=[self.rule.page_id])

    def divider_missing(self) -> bool:
        return (
            self.rule is not None
            and self.rule.preview is Preview.DIVIDER
            and not has_divider(self.object.specific)
        )

    def closed_files(self) -> list[tuple[str, str]]:
        """Title and address of files that some readers of the page do not get."""
        if self.rules is None:
            return []
        found = closed_files_of(self.object.specific, today=clock.today())
        return [(file.title, reverse(EDIT_FILE[file.kind], args=[file.id])) for file in found]

    def below(self) -> list[tuple[str, str, str]]:
        """Pages below with a rule of their own: title, what it says, address; in the order of the tree."""
        rules = self.rules.rules if self.rules else {}
        path = self.object.path
        found = sorted((place, rule) for place, rule in _starting_with(rules, path) if rule.page_id)
        return [
            (rule.page_title, texts.covered_by(rule, page_id=rule.page_id), self.edit_url(rule))
            for _place, rule in found
        ]

    def visitors(self) -> list[tuple[str, str]]:
        if self.rules is None:
            return []
        return [
            (label_of(who), reverse("billing-paywall:view_as", args=[self.object.pk, who.key]))
            for who in visitors_of(self.object)
        ]

    def explain_url(self) -> str:
        if not self.request.user.has_perm("cms_billing_paywall.view_accessrule"):
            return ""
        return f"{reverse('billing-paywall:explain')}?page={self.object.pk}"

    def address(self, name: str) -> str:
        return reverse(f"billing-paywall:{name}", args=[self.object.pk])

    @staticmethod
    def edit_url(rule: Rule) -> str:
        return reverse("wagtailadmin_pages:edit", args=[rule.page_id])


def _starting_with(rules: Any, path: str) -> Any:
    return ((place, rule) for place, rule in rules.items() if place.startswith(path) and place != path)


def add_to_wagtail() -> None:
    """Once, when Django starts."""
    from wagtail.admin.views.pages.edit import EditView
    from wagtail.admin.views.pages.listing import ExplorableIndexView

    _wrap(EditView, lambda view: None if view.expects_json_response else view.page)
    _wrap(ExplorableIndexView, lambda view: None if view.parent_page.is_root() else view.parent_page)


def _wrap(view: type, page_of: Callable[[Any], Page | None]) -> None:
    original = view.get_side_panels  # type: ignore[attr-defined]
    if getattr(original, "has_paywall", False):
        return

    @wraps(original)
    def get_side_panels(self: Any) -> Any:
        panels, page = original(self), page_of(self)
        if page is not None and page.pk:
            panels.append(PaywallSidePanel(page, self.request))
        return panels

    get_side_panels.has_paywall = True  # type: ignore[attr-defined]
    view.get_side_panels = get_side_panels  # type: ignore[attr-defined]
