"""What everybody may read of a closed page."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.utils.html import linebreaks
from django.utils.safestring import SafeString, mark_safe
from wagtail.fields import RichTextField
from wagtail.models import Page
from wagtail.rich_text import expand_db_html

from .rules import Rule
from .terms import Preview

# In this order; the first that has something to say.
FIELDS = ("teaser", "intro", "introduction", "search_description")


def teaser_of(page: Page, rule: Rule | None) -> SafeString:
    """HTML: the rule's text, or the page's ``get_teaser()``, ``teaser``, ``intro`` or search description."""
    preview = rule.preview if rule else Preview.PAGE
    if preview == Preview.TITLE:
        return mark_safe("")
    if preview == Preview.TEXT and rule:
        return mark_safe(linebreaks(rule.teaser_text, autoescape=True))
    if callable(own := getattr(page, "get_teaser", None)):
        return _as_html(own())
    return next((html for name in FIELDS if (html := _field(page, name))), mark_safe(""))


def _field(page: Page, name: str) -> SafeString:
    value = getattr(page, name, "")
    if callable(value):
        value = value()
    try:
        rich = isinstance(page._meta.get_field(name), RichTextField)
    except FieldDoesNotExist:
        rich = False
    return mark_safe(expand_db_html(value)) if rich and value else _as_html(value)


def _as_html(value: Any) -> SafeString:
    """Text is escaped; what says of itself that it is HTML is trusted."""
    if hasattr(value, "__html__"):
        return mark_safe(value.__html__())
    return mark_safe(linebreaks(str(value), autoescape=True)) if value else mark_safe("")
