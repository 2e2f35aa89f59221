"""JSON-LD that tells search engines which part of a page is sold, so that a teaser is not taken for cloaking.

Google's rules (developers.google.com/search/docs/appearance/structured-data/paywalled-content): ``isAccessibleForFree``
false on the page and on each closed part; parts are named by class selectors only and are not nested. The same is said
on the teaser and on the full page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from wagtail.models import Page

from cms_billing.core import clock

from .excerpts import description_of
from .rule_map import RulesUnreadable, current_rules
from .rules import OpensTo

DEFAULT_SELECTOR = ".paywall-content"
CLASS_SELECTOR = re.compile(r"\.[A-Za-z_-][A-Za-z0-9_-]*")
# What would end the script element or start another reading of it.
ESCAPES = {
    ord("<"): "\\u003C",
    ord(">"): "\\u003E",
    ord("&"): "\\u0026",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


def structured_data(
    page: Page, *, url: str, selectors: Sequence[str] = (DEFAULT_SELECTOR,), kind: str = "Article"
) -> dict[str, Any]:
    """Of any page; one that is not sold says that it is free. Raises ValueError for a selector that names no class."""
    free = not is_sold(page)
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": kind,
        "headline": page.seo_title or page.title,
        "isAccessibleForFree": free,
    }
    if description := description_of(page):
        data["description"] = description
    if url:
        data["mainEntityOfPage"] = {"@type": "WebPage", "@id": url}
    if page.first_published_at:
        data["datePublished"] = page.first_published_at.isoformat()
    if page.last_published_at:
        data["dateModified"] = page.last_published_at.isoformat()
    if not free:
        parts = [_closed_part(selector) for selector in selectors]
        data["hasPart"] = parts[0] if len(parts) == 1 else parts
    return data


def script(data: dict[str, Any]) -> SafeString:
    """The element for the page's head; nothing in the data can close it."""
    text = json.dumps(data, ensure_ascii=False).translate(ESCAPES)
    return format_html('<script type="application/ld+json">{}</script>', mark_safe(text))


def is_sold(page: Page) -> bool:
    """Does a rule close the page for somebody now? Unreadable rules close it."""
    try:
        rule = current_rules().rule_for(page.path)
    except RulesUnreadable:
        return True
    if rule is None or rule.opens_to is OpensTo.EVERYONE:
        return False
    return not (rule.has_dates and rule.is_free_on(clock.today()))


def _closed_part(selector: str) -> dict[str, Any]:
    if not CLASS_SELECTOR.fullmatch(selector):
        raise ValueError(f"{selector!r} is no class selector such as {DEFAULT_SELECTOR!r}.")
    return {"@type": "WebPageElement", "isAccessibleForFree": False, "cssSelector": selector}
