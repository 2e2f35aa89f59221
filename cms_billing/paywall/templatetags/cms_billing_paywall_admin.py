"""For pages of Wagtail's admin that say what the paywall does."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from wagtail.models import Collection

from ..access_changes import is_closed
from ..files.admin_views import state_of
from ..models import changeable_collections
from ..rule_map import RulesUnreadable, current_rules

register = template.Library()


@register.inclusion_tag("cms_billing/paywall/admin/collection_note.html", takes_context=True)
def paywall_of_collection(context: Any, collection: Collection) -> dict[str, Any]:
    """Whether the collection's files are closed, and where that is changed; nothing for who may not."""
    mine = changeable_collections(context["request"].user)
    try:
        closed = is_closed(current_rules().collections.get(collection.pk))
    except RulesUnreadable:
        return {}
    if not mine.filter(pk=collection.pk).exists():
        return {}
    return {
        "says": state_of(collection),
        "icon": "lock" if closed else "lock-open",
        "url": reverse("billing-paywall-files:collection_rule", args=[collection.pk]),
    }
