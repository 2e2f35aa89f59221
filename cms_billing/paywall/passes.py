"""What a visitor brings beside contracts: gift links and the month's free reads."""

from __future__ import annotations

from django.http import HttpRequest
from wagtail.models import Page

from .rules import Passes, Rule


def passes_of(request: HttpRequest, page: Page, rule: Rule) -> Passes:
    """Asked only where it could open the page. No query for a guest without a cookie of ours."""
    return Passes(free_left=rule.quota or 0)
