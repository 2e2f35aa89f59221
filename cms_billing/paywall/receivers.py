"""What makes the rules in the processes' memory old."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import m2m_changed, post_delete, post_save
from wagtail.models import Page
from wagtail.signals import copy_for_translation_done, post_page_move

from cms_billing.memberships.models import Plan, PlanPrice
from cms_billing.memberships.offers import offers_changed

from . import services
from .models import AccessRule, CollectionRule
from .rule_map import forget_rules


def connect() -> None:
    for model in (AccessRule, CollectionRule, Plan, PlanPrice):
        post_save.connect(_changed, sender=model, dispatch_uid=f"paywall.saved.{model.__name__}")
        post_delete.connect(_changed, sender=model, dispatch_uid=f"paywall.deleted.{model.__name__}")
    m2m_changed.connect(_changed, sender=AccessRule.plans.through, dispatch_uid="paywall.plans")
    m2m_changed.connect(
        _changed, sender=CollectionRule.plans.through, dispatch_uid="paywall.collection_plans"
    )
    post_page_move.connect(_changed, dispatch_uid="paywall.moved")
    copy_for_translation_done.connect(_follow_translated, dispatch_uid="paywall.translated")
    offers_changed.connect(_changed, dispatch_uid="paywall.offers")
    # A page put in before others shifts their paths in the tree.
    post_save.connect(_page_saved, dispatch_uid="paywall.page_saved")
    post_delete.connect(_changed, sender=Page, dispatch_uid="paywall.page_deleted")


def _changed(**kwargs: Any) -> None:
    forget_rules()


def _page_saved(sender: type, *, created: bool, update_fields: Any = None, **kwargs: Any) -> None:
    """An alias that becomes an ordinary page follows its source no more."""
    if issubclass(sender, Page) and (created or "alias_of_id" in (update_fields or ())):
        forget_rules()


def _follow_translated(target_obj: Any, **kwargs: Any) -> None:
    """A translation follows the rule of the page it translates; a copy of that rule would stay behind when it
    changes."""
    if isinstance(target_obj, Page):
        services.drop_copied_rule(page=target_obj)
