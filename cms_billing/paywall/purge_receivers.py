"""What makes pages in caches wrong that nobody published: a rule, a plan that opens them, a move."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import m2m_changed, post_delete, post_save
from wagtail.models import Page
from wagtail.signals import post_page_move

from cms_billing.memberships.models import Plan, PlanPrice

from .models import AccessRule
from .purges import ask_for_purge, has_caches_in_front

PLANS_CHANGED = ("post_add", "post_remove", "post_clear")


def connect() -> None:
    for name, signal in (("saved", post_save), ("deleted", post_delete)):
        signal.connect(_rule_changed, sender=AccessRule, dispatch_uid=f"paywall.purge.rule.{name}")
        signal.connect(_price_changed, sender=PlanPrice, dispatch_uid=f"paywall.purge.price.{name}")
    post_save.connect(_plan_changed, sender=Plan, dispatch_uid="paywall.purge.plan")
    m2m_changed.connect(
        _plans_changed, sender=AccessRule.plans.through, dispatch_uid="paywall.purge.plans_of_rule"
    )
    post_page_move.connect(_page_moved, dispatch_uid="paywall.purge.moved")


def _rule_changed(instance: AccessRule, *, raw: bool = False, **kwargs: Any) -> None:
    if not raw:
        _purge_section_of(instance)


def _plans_changed(instance: Any, *, action: str, **kwargs: Any) -> None:
    if action in PLANS_CHANGED and isinstance(instance, AccessRule):
        _purge_section_of(instance)


def _plan_changed(instance: Plan, *, raw: bool = False, **kwargs: Any) -> None:
    """Teasers name the plans with their prices."""
    if not raw and has_caches_in_front():
        for rule in AccessRule.objects.filter(plans=instance).select_related("page"):
            _purge_section_of(rule)


def _price_changed(instance: PlanPrice, *, raw: bool = False, **kwargs: Any) -> None:
    if not raw:
        _plan_changed(instance.plan)


def _purge_section_of(rule: AccessRule) -> None:
    page = Page.objects.filter(pk=rule.page_id).first() if has_caches_in_front() else None
    if page is not None:
        ask_for_purge(path=page.path, title=page.title)


def _page_moved(instance: Page, *, url_path_before: str, url_path_after: str, **kwargs: Any) -> None:
    """What was open at the old address may be closed now, at the new one as well."""
    page = Page.objects.filter(pk=instance.pk).first() if has_caches_in_front() else None
    if page is not None:
        moved_from = url_path_before if url_path_before != url_path_after else ""
        ask_for_purge(path=page.path, title=page.title, moved_from=moved_from)
