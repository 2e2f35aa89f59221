"""The only writers of progress and certificates. None of them asks about access: views do."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from wagtail.models import Page

from cms_billing.core.exceptions import BillingError

from ..models import Certificate, LessonProgress
from .selectors import certificate_of, is_finished, key_of

# Without what is easily taken for something else.
CODE_SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE_LENGTH = 12


class CourseNotFinished(BillingError):
    def __init__(self, *, course: Page) -> None:
        super().__init__(
            _("“%(course)s” has lessons that are not done yet: the certificate comes with the last one.")
            % {"course": course.title}
        )


class NoNameForCertificate(BillingError):
    def __init__(self) -> None:
        super().__init__(_("A certificate needs a name: enter yours."))


def start_lesson(*, user: Any, lesson: Page, now: datetime) -> None:
    """The lesson has been opened; the first time counts."""
    LessonProgress.objects.bulk_create(
        [LessonProgress(user=user, lesson=key_of(lesson), page_id=lesson.pk, started_at=now)],
        ignore_conflicts=True,
    )


@transaction.atomic
def complete_lesson(*, user: Any, lesson: Page, now: datetime) -> LessonProgress:
    """The lesson is done; the first time counts."""
    row, _created = LessonProgress.objects.get_or_create(
        user_id=user.pk, lesson=key_of(lesson), defaults={"page_id": lesson.pk, "started_at": now}
    )
    if row.completed_at is None:
        row.completed_at = max(now, row.started_at)
        row.save(update_fields=["completed_at"])
    return row


def reopen_lesson(*, user: Any, lesson: Page) -> bool:
    """It was not done after all. A certificate that was given stays. Returns whether it had been done."""
    rows = LessonProgress.objects.filter(user_id=user.pk, lesson=key_of(lesson), completed_at__isnull=False)
    return bool(rows.update(completed_at=None))


def award_certificate(*, user: Any, course: Page, name: str, today: date) -> Certificate:
    """The certificate of the course, given now if it has not been. Raises CourseNotFinished, NoNameForCertificate."""
    if existing := certificate_of(course, user):
        return existing
    if not is_finished(course, user):
        raise CourseNotFinished(course=course)
    if not name.strip():
        raise NoNameForCertificate
    try:
        with transaction.atomic():
            return _write(user=user, course=course, name=" ".join(name.split()), today=today)
    except IntegrityError:
        # Somebody finished the last lesson in two tabs.
        return Certificate.objects.get(user_id=user.pk, course=key_of(course))


def _write(*, user: Any, course: Page, name: str, today: date) -> Certificate:
    return Certificate.objects.create(
        user_id=user.pk,
        course=key_of(course),
        page_id=course.pk,
        code="".join(secrets.choice(CODE_SIGNS) for _sign in range(CODE_LENGTH)),
        name=name[:200],
        course_title=course.title,
        text=getattr(course, "certificate_text", ""),
        language=(get_language() or "en").split("-")[0],
        issued_on=today,
    )
