"""The only writers of free reads and gift links.

What may happen so often in a month is counted by rows that are numbered; a constraint lets each number be there once.
Two requests at once write the same number, one of them fails, looks again, and finds the limit reached.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from wagtail.models import Page

from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import BillingError

from ..models import FreeRead, GiftLink
from ..rules import Rule
from ..selectors import decide_page
from .selectors import Reader, gifts_of_month, giver_may_read, may_give, month_of, reads_of
from .tokens import digest_of, new_nonce, token_for

# Free reads are kept this month and the one before; gift links for a year after their last day.
READS_KEPT_MONTHS = 2
GIFTS_KEPT = timedelta(days=366)
ONE_DAY = timedelta(days=1)


class FreePagesUsedUp(BillingError):
    def __init__(self, *, quota: int) -> None:
        super().__init__(
            ngettext(
                "You have read your free page of this month.",
                "You have read your %(count)s free pages of this month.",
                quota,
            )
            % {"count": quota}
        )


class CannotGive(BillingError):
    def __init__(self, *, page: Page) -> None:
        super().__init__(
            _(
                "“%(page)s” cannot be given away: that takes a membership that opens it, and a section that allows it."
            )
            % {"page": page.title}
        )


class GiftsUsedUp(BillingError):
    def __init__(self, *, gifts: int) -> None:
        super().__init__(
            ngettext(
                "You have given away a page this month already.",
                "You have given away %(count)s pages this month; there will be more next month.",
                gifts,
            )
            % {"count": gifts}
        )


class GiftIsOver(BillingError):
    """Expired, opened too often, taken back, or its giver may not read the page: who opens it learns no more."""

    def __init__(self) -> None:
        super().__init__(_("This gift link does not work any more."))


def read_free(*, reader: Reader, page: Page, rule: Rule, today: date, now: datetime) -> None:
    """The page counts as one of the reader's free pages of this month; reading it again costs nothing.

    Raises FreePagesUsedUp.
    """
    quota = rule.quota or 0

    def take() -> None:
        # What is there and the last number in one look: between two, another tab could take one.
        known = reads_of(reader, section_id=rule.quota_page_id, today=today)
        if page.pk in known.pages:
            return
        if len(known.pages) >= quota:
            raise FreePagesUsedUp(quota=quota)
        _write_read(reader, page, rule, number=known.last_number + 1, today=today, now=now)

    _until_written(take, limit=quota)


def _write_read(reader: Reader, page: Page, rule: Rule, *, number: int, today: date, now: datetime) -> None:
    whose: dict[str, Any] = {"user_id": reader.user_id} if reader.user_id else {"visitor": reader.visitor}
    FreeRead.objects.create(
        section_id=rule.quota_page_id,
        month=month_of(today),
        page_id=page.pk,
        number=number,
        read_at=now,
        **whose,
    )


def create_gift(*, giver: Any, page: Page, today: date, now: datetime) -> tuple[GiftLink, str]:
    """A link with which others read the page, and its token. Raises CannotGive, GiftsUsedUp."""
    decision = decide_page(page, giver, today=today)
    rule = decision.rule
    if rule is None or not may_give(decision):
        raise CannotGive(page=page)
    gifts = rule.gifts or 0
    made: list[GiftLink] = []

    def take() -> None:
        links = gifts_of_month(giver.pk, section_id=rule.gifts_page_id, today=today)
        numbers = list(links.values_list("number", flat=True))
        if len(numbers) >= gifts:
            raise GiftsUsedUp(gifts=gifts)
        number = max(numbers, default=0) + 1
        made.append(_write_gift(giver, page, rule, number=number, today=today, now=now))

    _until_written(take, limit=gifts)
    return made[-1], token_for(made[-1].nonce)


def _write_gift(giver: Any, page: Page, rule: Rule, *, number: int, today: date, now: datetime) -> GiftLink:
    settings, nonce = billing_settings(), new_nonce()
    return GiftLink.objects.create(
        giver_id=giver.pk,
        page_id=page.pk,
        section_id=rule.gifts_page_id,
        month=month_of(today),
        number=number,
        nonce=nonce,
        digest=digest_of(token_for(nonce)),
        created_at=now,
        expires_on=today + timedelta(days=settings.gift_link_days),
        max_openings=settings.gift_link_openings,
    )


def _until_written(take: Callable[[], None], *, limit: int) -> None:
    """Each failure means that another request has taken a number: after ``limit`` of them there is none left."""
    for _attempt in range(limit + 2):
        try:
            with transaction.atomic():
                return take()
        except IntegrityError as error:
            problem = error
    raise problem


def require_open(*, link: GiftLink, page: Page, today: date) -> None:
    """Raises GiftIsOver where another opening would."""
    works = page.live and link.works_on(today) and not link.is_used_up
    if not works or not giver_may_read(link, page, today=today):
        raise GiftIsOver


def open_gift(*, link: GiftLink, page: Page, today: date, now: datetime) -> None:
    """One opening more. Raises GiftIsOver."""
    require_open(link=link, page=page, today=today)
    open_ones = GiftLink.objects.filter(pk=link.pk, revoked_at=None, openings__lt=F("max_openings"))
    if not open_ones.update(openings=F("openings") + 1, last_opened_at=now):
        raise GiftIsOver


def revoke_gift(*, link: GiftLink, user: Any, now: datetime) -> bool:
    """It opens nothing from now on, also for those who have opened it before. Returns whether it worked until now."""
    rows = GiftLink.objects.filter(pk=link.pk, revoked_at=None)
    return bool(rows.update(revoked_at=now, revoked_by_id=user.pk))


def forget_old(*, today: date) -> tuple[int, int]:
    """Delete free reads and gift links of the past; returns how many of each."""
    month = month_of(today)
    for _month in range(READS_KEPT_MONTHS - 1):
        month = month_of(month - ONE_DAY)
    reads, _per_model = FreeRead.objects.filter(month__lt=month).delete()
    gifts, _per_model = GiftLink.objects.filter(expires_on__lt=today - GIFTS_KEPT).delete()
    return reads, gifts
