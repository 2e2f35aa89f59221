"""A block for StreamFields that shows another page inside this one, as far as the visitor may read it."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _
from wagtail import blocks

from . import api_teasers
from .excerpts import decision_of, excerpt_of


class PageExcerptBlock(blocks.PageChooserBlock):
    """The chosen page's link with its excerpt: in the page, in APIs, and nothing of it in the search index.

    Without a request in its context (a mail, a preview of the block) it shows what a guest sees.
    """

    class Meta:
        icon = "doc-full-inverse"
        label = _("Page with its excerpt")
        template = "cms_billing/paywall/blocks/page_excerpt.html"

    def render(self, value: Any, context: Any = None) -> str:
        if value is None or not value.live:
            return ""
        request = (context or {}).get("request")
        return render_to_string(
            self.meta.template, {"excerpt": excerpt_of(request, value.specific), "self": value}
        )

    def get_api_representation(self, value: Any, context: Any = None) -> Any:
        if value is None or not value.live:
            return None
        decision = decision_of((context or {}).get("request"), value)
        shown = {"id": value.pk, "title": value.title, "html_url": value.get_full_url()}
        return {**shown, **api_teasers.excerpt_part(value, decision)}

    def get_searchable_content(self, value: Any) -> list[str]:
        return []
