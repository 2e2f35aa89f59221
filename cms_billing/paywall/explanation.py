"""The whole answer to “why is this page open or closed for this person?”: reason, rules looked at, each door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.models import Page, ReferenceIndex

from . import selectors, texts
from .files.collections import closed_collections
from .models import GiftLink
from .rule_map import current_rules
from .rule_texts import preview_in_words, terms_in_words
from .rules import PASSES_HELP, Decision, OpensTo, Passes, Reason, Rule
from .sharing.selectors import reads_by_account, working_gifts


@dataclass(frozen=True)
class Door:
    """One way to the page. ``open``: the full text comes out of it."""

    name: str
    open: bool
    says: str


@dataclass(frozen=True)
class RuleSeen:
    """A rule at the page or above it. Of all of them the nearest ``decides``."""

    rule: Rule
    says: Any
    terms: list[tuple[str, str]]
    decides: bool


@dataclass(frozen=True)
class Explanation:
    decision: Decision
    sentence: str
    opens_with: list[Any]
    without_plan: list[str]
    rules: list[RuleSeen]
    doors: list[Door]


def explain(page: Page, user: Any, *, day: date, asker: Any = None) -> Explanation:
    """In the words that the member and the log get. ``asker``: who sees whose gift links open the page; None nobody's.
    Raises RulesUnreadable."""
    rule = current_rules().rule_for(page.path)
    closed = rule is not None and rule.opens_to is OpensTo.PLANS
    read = reads_by_account(user, page, rule, today=day) if rule and closed else Passes()
    gifts = working_gifts(page, asker, day=day) if closed and asker is not None else []
    decision = selectors.explain(page, user, today=day, passes=lambda: read)
    listed = selectors.decisions_for([page], user, today=day)[page.pk]
    return Explanation(
        decision=decision,
        sentence=texts.sentence(decision),
        opens_with=opens_with(decision, gifts),
        without_plan=[*free_reads_in_words(rule, read, user), *gifts_in_words(gifts)] if closed else [],
        rules=rules_seen(page),
        doors=[*doors(decision, listed), *door_of_files(page)],
    )


def opens_with(decision: Decision, gifts: Sequence[GiftLink] = ()) -> list[Any]:
    """Any one of these opens the page. Free pages and gifts help only where a contract would."""
    if decision.granted:
        return []
    said = [texts.OPENS_WITH[decision.opens_with]]
    if decision.reason not in PASSES_HELP:
        return said
    if decision.free_left:
        left = decision.free_left
        said.append(
            ngettext("a free page: one is left", "a free page: %(left)s are left", left) % {"left": left}
        )
    if gifts or (decision.rule is not None and decision.rule.gifts):
        said.append(_("a gift link of a member"))
    return said


def free_reads_in_words(rule: Rule | None, read: Passes, user: Any) -> list[str]:
    """What is written down about the account; what a guest has read, only their browser knows."""
    if rule is None or not rule.quota:
        return []
    facts = {"left": read.free_left, "all": rule.quota}
    if not user.is_authenticated:
        return [_("Guests read %(all)s pages of the section free each month.") % facts]
    if read.free_read:
        return [_("Has read this page free this month (%(left)s of %(all)s left).") % facts]
    return [_("%(left)s of %(all)s free pages are left this month.") % facts]


def gifts_in_words(gifts: Sequence[GiftLink]) -> list[str]:
    return [
        _("A gift link of %(giver)s opens it until %(day)s; %(left)s of %(all)s openings are left.")
        % {
            "giver": link.giver,
            "day": date_format(link.expires_on, "SHORT_DATE_FORMAT"),
            "left": link.max_openings - link.openings,
            "all": link.max_openings,
        }
        for link in gifts
    ]


def rules_seen(page: Page) -> list[RuleSeen]:
    """Nearest first. An alias and a page that is never closed are decided by no rule of the tree."""
    known = current_rules()
    counts = known.rule_for(page.path)
    chain = known.chain_for(page.path)
    if counts is not None and all(rule is not counts for rule in chain):
        chain = [counts, *chain]
    return [
        RuleSeen(
            rule=rule,
            says=texts.covered_by(rule, page_id=page.pk),
            terms=terms_in_words(rule),
            decides=rule is counts,
        )
        for rule in chain
    ]


def doors(decision: Decision, listed: Decision) -> list[Door]:
    """What comes out of each. Listings know nothing of editors' rights on single pages, gifts and free pages."""
    inside = _("shows it") if listed.granted else _("leaves it out")
    return [
        Door(_("The page itself"), decision.granted, _page_says(decision)),
        Door(_("Listings and search"), listed.granted, inside),
        Door(_("API"), listed.granted, inside),
        Door(_("Search engines, feeds, mails"), not _is_closed_to_guests(decision), _outside(decision)),
    ]


def door_of_files(page: Page) -> list[Door]:
    """Documents and images that the page uses are closed by their collections; nothing where it uses none."""
    closed, in_collections = closed_collections(), []
    for model in (get_document_model(), get_image_model()):
        used = ReferenceIndex.get_references_for_object(page).filter(
            to_content_type=ContentType.objects.get_for_model(model)
        )
        ids = {int(pk) for pk in used.values_list("to_object_id", flat=True)}
        in_collections += model.objects.filter(pk__in=ids).values_list("collection_id", flat=True)
    if not in_collections:
        return []
    kept = sum(collection in closed for collection in in_collections)
    says = _("%(kept)s of %(all)s are in protected collections") % {"kept": kept, "all": len(in_collections)}
    return [Door(_("Documents and images in it"), kept < len(in_collections), says)]


def _page_says(decision: Decision) -> str:
    if decision.granted:
        return _("full text")
    if decision.reason is Reason.RULES_UNREADABLE:
        return _("“try again later” (503)")
    if decision.reason in (Reason.LOCKED, Reason.IN_ARREARS):
        return _("the page with what is owed (402)")
    return _("teaser: %s") % preview_in_words(decision.rule)


def _is_closed_to_guests(decision: Decision) -> bool:
    rule = decision.rule
    return rule is not None and rule.opens_to is OpensTo.PLANS and decision.reason is not Reason.FREE_NOW


def _outside(decision: Decision) -> str:
    if _is_closed_to_guests(decision):
        return _("what guests see: %s") % preview_in_words(decision.rule)
    return _("full text")
