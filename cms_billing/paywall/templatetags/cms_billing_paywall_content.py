"""Pages in other pages: lists, excerpts, embeds, and what search engines are told.

{% load cms_billing_paywall_content %}
{% paywall_excerpt page %}
{% if_readable page %}…{% else %}…{% endif_readable %}
{% for page in pages|readable_by:request %}…
{% paywall_content page "body" %}
{% paywall_meta page %} {% paywall_structured_data page ".article-body" %}
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token
from django.utils.html import conditional_escape, format_html, format_html_join, linebreaks
from django.utils.safestring import SafeString, mark_safe
from wagtail.fields import RichTextField
from wagtail.models import Page
from wagtail.rich_text import expand_db_html

from .. import listings, structured_data
from ..excerpts import description_of, excerpt_of, public_teaser

register = template.Library()


@register.inclusion_tag("cms_billing/paywall/includes/excerpt.html", takes_context=True)
def paywall_excerpt(context: Any, page: Page) -> dict[str, Any]:
    """The page's link with its teaser, and whether the rest is open to the visitor."""
    return {"excerpt": excerpt_of(_request(context), page)}


@register.simple_tag
def paywall_teaser(page: Page) -> SafeString:
    """What everybody may see of the page, as HTML; the same for every visitor."""
    return public_teaser(page)


@register.simple_tag
def paywall_description(page: Page) -> str:
    """The same as one sentence without markup, for ``<meta name="description">``."""
    return description_of(page)


@register.simple_tag(takes_context=True)
def paywall_content(context: Any, page: Page, field: str) -> SafeString:
    """A field of another page, in full for who may read that page; else its excerpt."""
    request = _request(context)
    specific = page.specific
    if listings.glance(request, page).granted:
        return _rendered(specific, field, context)
    return excerpt_of(request, specific).html


@register.filter
def readable_by(pages: Iterable[Page], request: Any) -> list[Page]:
    """The pages of a list that the visitor may read; one query for members, none for guests."""
    return listings.readable_pages(request, pages)


@register.tag
def if_readable(parser: Parser, token: Token) -> IfReadable:
    parts = token.split_contents()
    if len(parts) != 2:
        raise template.TemplateSyntaxError(f"{parts[0]} takes one page: {{% {parts[0]} page %}}")
    opened = parser.parse(("else", "endif_readable"))
    closed = NodeList()
    if parser.next_token().contents == "else":
        closed = parser.parse(("endif_readable",))
        parser.delete_first_token()
    return IfReadable(parser.compile_filter(parts[1]), opened, closed)


class IfReadable(template.Node):
    child_nodelists = ("opened", "closed")

    def __init__(self, page: FilterExpression, opened: NodeList, closed: NodeList) -> None:
        self.page, self.opened, self.closed = page, opened, closed

    def render(self, context: Any) -> SafeString:
        page = self.page.resolve(context)
        readable = isinstance(page, Page) and listings.glance(_request(context), page).granted
        return (self.opened if readable else self.closed).render(context)


@register.simple_tag(takes_context=True)
def paywall_structured_data(context: Any, page: Page, *selectors: str, kind: str = "") -> SafeString:
    """JSON-LD for the head: the same on the teaser and on the full page. ``selectors``: classes of what is sold.

    ``kind`` is schema.org's; left out, the page's ``structured_data_type`` or ``Article``.
    """
    data = structured_data.structured_data(
        page,
        url=page.get_full_url(_request(context)) or "",
        selectors=selectors or (structured_data.DEFAULT_SELECTOR,),
        kind=kind or getattr(page, "structured_data_type", "Article"),
    )
    return structured_data.script(data)


@register.simple_tag(takes_context=True)
def paywall_meta(context: Any, page: Page) -> SafeString:
    """Description and Open Graph: teaser text only, whoever looks."""
    title, description = page.seo_title or page.title, description_of(page)
    properties = [
        ("og:type", "article"),
        ("og:title", title),
        ("og:description", description),
        ("og:url", page.get_full_url(_request(context)) or ""),
    ]
    tags = format_html_join("\n", '<meta property="{}" content="{}">', [p for p in properties if p[1]])
    return format_html('<meta name="description" content="{}">\n{}', description, tags)


def _request(context: Any) -> Any:
    request = context.get("request")
    if request is None:
        raise template.TemplateSyntaxError("The paywall's tags need the request in their context.")
    return request


def _rendered(page: Page, field: str, context: Any) -> SafeString:
    value = getattr(page, field)
    if hasattr(value, "render_as_block"):
        return value.render_as_block(context.flatten())
    model_field = next((f for f in page._meta.get_fields() if f.name == field), None)
    if isinstance(model_field, RichTextField):
        return mark_safe(expand_db_html(value))
    return (
        conditional_escape(value)
        if hasattr(value, "__html__")
        else mark_safe(linebreaks(value, autoescape=True))
    )
