"""What closes each page, at a glance in the explorer: a tag beside its menu."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from wagtail.admin.widgets import Button
from wagtail.models import Page

from . import texts
from .access_changes import is_closed
from .rule_map import RulesUnreadable, current_rules
from .rules import Rule


class PaywallTag(Button):
    """The plans, and the section where the rule is another page's; the whole sentence for who asks and who listens."""

    template_name = "cms_billing/paywall/admin/listing_tag.html"
    allow_in_dropdown = False

    def __init__(self, rule: Rule, page: Page, *, url: str) -> None:
        closed = is_closed(rule)
        label = texts.plan_names(rule) if closed else _("open")
        if rule.page_id != page.pk:
            label = f"{rule.page_title}: {label}"
        super().__init__(label, url, icon_name="lock" if closed else "lock-open", priority=10)
        self.says = texts.covered_by(rule, page_id=page.pk)


def paywall_tag(page: Page, user: Any, next_url: str | None = None) -> Iterator[PaywallTag]:
    """For closed pages, and for those that a rule of their own opens. From memory: no query for a listing."""
    try:
        rule = current_rules().rule_for(page.path)
    except RulesUnreadable:
        return
    if rule is None or rule.always or not (is_closed(rule) or rule.page_id == page.pk):
        return
    yield PaywallTag(rule, page, url=_rule_url(page, user, next_url))


def _rule_url(page: Page, user: Any, next_url: str | None) -> str:
    if not page.permissions_for_user(user).can_publish():
        return ""
    back = f"?{urlencode({'next': next_url})}" if next_url else ""
    return reverse("billing-paywall:page_rule", args=[page.pk]) + back
