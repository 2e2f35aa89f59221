"""A rule's terms in words, for the side panel and the list."""

from __future__ import annotations

from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .models import AccessRule
from .rules import Rule
from .terms import OpensTo, Preview
from .texts import plan_names


def terms_in_words(rule: Rule) -> list[tuple[str, str]]:
    """What is said, as label and text; what is left out is not there."""
    if rule.opens_to is OpensTo.EVERYONE:
        return []
    said = [
        (_("Opens with"), plan_names(rule)),
        (_("Others see"), preview_in_words(rule)),
        (_("Free for everybody"), _free(rule)),
        (_("Free pages a month"), str(rule.quota) if rule.quota else ""),
        (_("Gift links a month"), str(rule.gifts) if rule.gifts else ""),
        (_("For members"), _first_day(rule)),
        (_("In arrears"), _arrears(rule)),
    ]
    return [(label, text) for label, text in said if text]


def preview_in_words(rule: Rule | Any) -> str:
    amount = rule.preview_amount or 0
    if rule.preview == Preview.BLOCKS:
        return ngettext("the first block", "the first %(count)s blocks", amount) % {"count": amount}
    if rule.preview == Preview.PERCENT:
        return _("the first %(percent)s %% of the text") % {"percent": amount}
    if rule.preview == Preview.TEXT:
        return _("a text of its own")
    return str(dict(AccessRule.Shows.choices)[rule.preview])


def _free(rule: Rule) -> str:
    until = _("until %s") % _day(rule.free_until) if rule.free_until else ""
    start = _("from %s on") % _day(rule.free_from) if rule.free_from else ""
    return ", ".join(filter(None, [until, start]))


def _first_day(rule: Rule) -> str:
    day = _("from %s on") % _day(rule.opens_on) if rule.opens_on else ""
    days = rule.opens_after_days or 0
    after = ngettext("one day after the contract's start", "%(days)s days after the contract's start", days)
    return ", ".join(filter(None, [day, after % {"days": days} if days else ""]))


def _arrears(rule: Rule) -> str:
    if rule.closes_at is None:
        return ""
    if rule.closes_at == 0:
        return _("never closed because of arrears")
    return _("closed from reminder %s on") % rule.closes_at


def _day(day: Any) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")
