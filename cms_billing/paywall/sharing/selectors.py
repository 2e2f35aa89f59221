"""Who has read what free, and which gift links work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import F, Q, QuerySet
from wagtail.models import Page

from ..models import FreeRead, GiftLink
from ..rules import Decision, Passes, Reason, Rule, Visitor
from ..selectors import decide_page, decisions_for
from .tokens import digest_of

# Who reads by a contract may give: neither editors nor those who were given the page themselves.
MAY_GIVE = (Reason.MEMBER, Reason.ARREARS_BUT_OPEN, Reason.LOCKED_BUT_PAID, Reason.PAID_FOR_GOOD)

# So many links are looked at where somebody asks which of them open a page.
MOST_GIFTS = 5


@dataclass(frozen=True)
class Reader:
    """Who reads free: a user, a guest by a random id, or a user who was a guest before logging in."""

    user_id: Any = None
    visitor: str = ""

    @property
    def is_known(self) -> bool:
        return self.user_id is not None or bool(self.visitor)

    def is_them(self) -> Q:
        mine = Q(user_id=self.user_id) if self.user_id is not None else Q(pk__in=[])
        return mine | Q(user=None, visitor=self.visitor) if self.visitor else mine


def month_of(day: date) -> date:
    return day.replace(day=1)


def next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


@dataclass(frozen=True)
class Reads:
    """What somebody has read free in a section this month. ``last_number``: of the rows of the user, or of the guest
    where there is no user."""

    pages: frozenset[int] = frozenset()
    last_number: int = 0


def reads_of(reader: Reader, *, section_id: int, today: date) -> Reads:
    """One query, none for who is not known."""
    if not reader.is_known:
        return Reads()
    rows = list(
        FreeRead.objects.filter(reader.is_them(), section_id=section_id, month=month_of(today)).values_list(
            "page_id", "number", "user_id"
        )
    )
    own = [number for _page, number, user_id in rows if user_id == reader.user_id]
    return Reads(frozenset(page for page, _number, _user in rows), max(own, default=0))


def pages_read(reader: Reader, *, today: date) -> set[int]:
    """All pages that the reader has had free this month. One query, none for who is not known."""
    if not reader.is_known:
        return set()
    reads = FreeRead.objects.filter(reader.is_them(), month=month_of(today))
    return set(reads.values_list("page_id", flat=True))


def reads_by_account(user: Any, page: Page, rule: Rule, *, today: date) -> Passes:
    """The free reads that are written down for an account: what it read as a guest, its browser knows. One query."""
    if not is_given_free(rule, today=today):
        return Passes()
    reader = Reader(user.pk if user.is_authenticated else None)
    read = reads_of(reader, section_id=rule.quota_page_id, today=today).pages
    left = max(0, (rule.quota or 0) - len(read))
    return Passes(free_read=page.pk in read, free_left=left, personal=reader.is_known)


def working_gifts(page: Page, asker: Any, *, day: date) -> list[GiftLink]:
    """Links that open the page for who follows one on that day, of those that the asker may see; the newest."""
    links = GiftLink.objects.visible_to(asker).filter(page=page.pk, revoked_at=None, expires_on__gte=day)
    unused = links.filter(openings__lt=F("max_openings"), created_at__date__lte=day).select_related("giver")
    return [link for link in unused[:MOST_GIFTS] if giver_may_read(link, page, today=day)]


def is_given_free(rule: Rule | None, *, today: date) -> bool:
    """Does the rule grant free pages, and is the page one that anybody may read yet? A lesson whose day has not come
    is not."""
    return rule is not None and bool(rule.quota) and not (rule.opens_on and today < rule.opens_on)


def may_give(decision: Decision | None) -> bool:
    """May the page be given away by whom this decision is about? Whether there are links left is asked later."""
    return (
        decision is not None
        and decision.granted
        and decision.reason in MAY_GIVE
        and decision.rule is not None
        and bool(decision.rule.gifts)
    )


def gift_by_token(token: str) -> GiftLink | None:
    return _with_page().filter(digest=digest_of(token)).first()


def gift_opens(link_id: int, page: Page, *, today: date) -> bool:
    """Does the link open the page today? A link gives what its giver has: two queries."""
    link = GiftLink.objects.filter(pk=link_id, page_id=page.pk).select_related("giver").first()
    return link is not None and link.works_on(today) and giver_may_read(link, page, today=today)


def giver_of(link_id: int) -> Any:
    link = GiftLink.objects.filter(pk=link_id).select_related("giver").first()
    return link.giver if link else None


def giver_may_read(link: GiftLink, page: Page, *, today: date) -> bool:
    if not link.giver.is_active:
        return False
    decision = decide_page(page, link.giver, today=today, visitor=Visitor.USER)
    return decision.granted and decision.reason in MAY_GIVE


@dataclass(frozen=True)
class Given:
    """A gift link as its giver sees it. ``sleeps``: the link is good, but its giver cannot read the page now."""

    link: GiftLink
    works: bool
    sleeps: bool


def gifts_of(user: Any, *, today: date) -> list[Given]:
    links = list(_with_page().filter(giver_id=user.pk))
    decisions = decisions_for({link.page_id: link.page for link in links}.values(), user, today=today)
    return [_given(link, decisions[link.page_id], today) for link in links]


def _given(link: GiftLink, decision: Decision, today: date) -> Given:
    good = link.works_on(today)
    reads = decision.granted and decision.reason in MAY_GIVE
    return Given(link, works=good and reads, sleeps=good and not reads)


def gifts_of_month(user_id: Any, *, section_id: int, today: date) -> QuerySet[GiftLink]:
    return GiftLink.objects.filter(giver_id=user_id, section_id=section_id, month=month_of(today))


def _with_page() -> QuerySet[GiftLink]:
    return GiftLink.objects.select_related("page", "giver")
