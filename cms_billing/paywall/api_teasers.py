"""What APIs may say of a closed page, and when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wagtail.models import Page

from cms_billing.core.conf import billing_settings

from .rules import Decision, Reason
from .teasers import teaser_of
from .texts import OPENS_WITH

HIDDEN, TEASER = "hidden", "teaser"
# As a teaser's head shows them.
PUBLIC_FIELDS = frozenset(
    (
        "id",
        "type",
        "detail_url",
        "html_url",
        "slug",
        "title",
        "seo_title",
        "search_description",
        "show_in_menus",
        "first_published_at",
        "locale",
        "parent",
        "alias_of",
    )
)
# Of a closed document or image neither title nor address.
PUBLIC_FILE_FIELDS = frozenset(("id", "type", "detail_url"))
# Only these leave the question what is in a page's own fields unasked; a search or a filter would answer it.
HARMLESS = frozenset(
    (
        "_",
        "ancestor_of",
        "child_of",
        "descendant_of",
        "fields",
        "format",
        "limit",
        "locale",
        "offset",
        "rich_text_format",
        "site",
        "translation_of",
        "type",
        "version",
    )
)


def are_listed(parameters: Iterable[str]) -> bool:
    """Do closed pages show up with their teaser? Never where the query asks for what is in a page."""
    return billing_settings().api_closed_pages == TEASER and HARMLESS.issuperset(parameters)


def excerpt_part(page: Page, decision: Decision) -> dict[str, Any]:
    """The teaser of a page that another one shows, whether or not the rest is open to the caller."""
    if not decision.granted:
        return closed_part(page, decision)
    return {"teaser": str(teaser_of(page.specific, decision.rule)), "paywall": {"readable": True}}


def closed_part(page: Page, decision: Decision) -> dict[str, Any]:
    """``teaser`` as HTML and why the rest is not here."""
    unknown = decision.reason is Reason.RULES_UNREADABLE
    teaser = "" if unknown else str(teaser_of(page.specific, decision.rule))
    return {"teaser": teaser, "paywall": paywall_part(decision)}


def paywall_part(decision: Decision) -> dict[str, Any]:
    return {
        "readable": False,
        "reason": decision.reason.value,
        "opens_with": decision.opens_with.value,
        "text": str(OPENS_WITH[decision.opens_with]),
    }
