"""What a visitor brings beside contracts: gift links and the month's free reads."""

from __future__ import annotations

from django.http import HttpRequest
from wagtail.models import Page

from cms_billing.core import clock

from .rules import Passes, Rule
from .sharing import cookies
from .sharing.selectors import Reader, gift_opens, is_given_free, reads_of

NOTHING = Passes()


def passes_of(request: HttpRequest, page: Page, rule: Rule, brought: cookies.Brought | None = None) -> Passes:
    """Asked only where it could open the page. No query for a guest without a cookie of ours, and none for who is
    logged in where the rule grants no free pages. ``brought``: else the cookies of the page say it."""
    brought = brought or cookies.brought_to_page(request, page)
    link_id = brought.gifts.get(page.pk)
    if link_id is not None and gift_opens(link_id, page, today=clock.today()):
        return Passes(gift=True, personal=True)
    return _free_reads(request, page, rule, brought) if rule.quota else NOTHING


def _free_reads(request: HttpRequest, page: Page, rule: Rule, brought: cookies.Brought) -> Passes:
    today = clock.today()
    if not is_given_free(rule, today=today):
        return NOTHING
    reader = reader_of(request, visitor=brought.visitor)
    read = reads_of(reader, section_id=rule.quota_page_id, today=today).pages
    left = max(0, (rule.quota or 0) - len(read))
    return Passes(
        free_read=page.pk in read, free_left=left, personal=bool(read) or reader.user_id is not None
    )


def reader_of(request: HttpRequest, *, visitor: str) -> Reader:
    """The gate has settled by now whether this is a guest."""
    user = getattr(request, "user", None)
    return Reader(user.pk if user is not None and user.is_authenticated else None, visitor)
