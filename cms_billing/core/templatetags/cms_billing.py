"""``{% load cms_billing %}``: amounts as people of the page's language write them."""

from __future__ import annotations

from django import template

from cms_billing.core.conf import billing_settings
from cms_billing.core.formats import active_formats
from cms_billing.core.money import Money

register = template.Library()


@register.filter
def money(amount: Money | None) -> str:
    """``{{ document.gross|money }}``: ``12,50 €`` on a German page, ``€12.50`` on an English one."""
    return active_formats().money(amount)


@register.filter
def iban(value: str) -> str:
    """In groups of four, as printed on cards: ``DE02 1203 0000 0000 2020 51``."""
    compact = value.replace(" ", "")
    return " ".join(compact[i : i + 4] for i in range(0, len(compact), 4))


@register.simple_tag
def has_member_feed() -> bool:
    """Is there a feed at each member's own address?"""
    return bool(billing_settings().member_feed)
