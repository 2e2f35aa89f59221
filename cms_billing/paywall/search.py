"""Search that shows nobody what they may not read: not in results, not in counts, not in what it finds by.

A closed page must not be found by words of its own fields: whoever may not read them could ask word by word. So a
search goes over the pages that the visitor may read, and over the others by what everybody may know of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from wagtail.models import Page

from .selectors import visible_to

# What everybody sees of a closed page, and every page has.
PUBLIC_FIELDS = ("title",)


def search_visible(pages: Any, query: Any, user: Any, *, today: date, **options: Any) -> Any:
    """Wagtail's ``search()`` over the pages that the user may read; count, facets and result pages agree with it."""
    found: Any = visible_to(pages, user, today=today)
    return found.search(query, **options)


def autocomplete_visible(pages: Any, query: Any, user: Any, *, today: date, **options: Any) -> Any:
    found: Any = visible_to(pages, user, today=today)
    return found.autocomplete(query, **options)


def search_teasers(
    pages: Any,
    query: Any,
    user: Any,
    *,
    today: date,
    fields: Sequence[str] = PUBLIC_FIELDS,
    **options: Any,
) -> Any:
    """The pages that are closed to the user and match by what is public anyway; show them with their teaser."""
    return closed_to(pages, user, today=today).search(query, fields=list(fields), **options)


def closed_to(pages: Any, user: Any, *, today: date) -> Any:
    visible = visible_to(Page.objects.all(), user, today=today)
    return pages.exclude(pk__in=visible.order_by().values("pk"))
