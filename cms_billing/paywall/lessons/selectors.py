"""Courses, their lessons, and how far somebody is. The number of queries does not depend on the number of lessons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import get_language
from wagtail.models import Page, get_page_models

from ..models import Certificate, LessonProgress
from ..rules import Decision
from ..selectors import decisions_for
from .progress import Learning, LessonFacts, Mark, learning


@dataclass(frozen=True)
class MyCourse:
    """A course in the account. ``certificate`` None: not finished, or none is given."""

    page: Page
    learning: Learning
    decision: Decision
    certificate: Certificate | None = None


@cache
def course_models() -> tuple[type[Page], ...]:
    from .pages import CourseMixin

    return tuple(model for model in get_page_models() if issubclass(model, CourseMixin))


@cache
def lesson_models() -> tuple[type[Page], ...]:
    from .pages import LessonMixin

    return tuple(model for model in get_page_models() if issubclass(model, LessonMixin))


def key_of(page: Page) -> UUID:
    """Under which progress counts: the same for translations and aliases. A copy is a lesson of its own."""
    return page.alias_of.translation_key if page.alias_of_id else page.translation_key


def lessons_of(courses: Sequence[Page]) -> dict[int, list[Page]]:
    """The live lessons of each course by its id, in the order of the tree, at any depth below it: one query for each
    kind of lesson."""
    below = Q(*(Q(path__startswith=course.path) for course in courses), _connector=Q.OR)
    found: list[Page] = []
    for model in lesson_models() if courses else ():
        rows = model.objects.live().filter(below, depth__gt=1)
        found.extend(rows.defer_streamfields().select_related("alias_of"))
    by_course: dict[int, list[Page]] = {course.pk: [] for course in courses}
    for lesson in sorted(found, key=attrgetter("path")):
        if owner := _nearest(lesson, courses):
            by_course[owner.pk].append(lesson)
    return by_course


def _nearest(lesson: Page, courses: Iterable[Page]) -> Page | None:
    above = [course for course in courses if lesson.path.startswith(course.path) and lesson.pk != course.pk]
    return max(above, key=attrgetter("depth"), default=None)


def course_of(lesson: Page) -> Page | None:
    """The course that the lesson stands in, as its own kind of page; None for a lesson outside any."""
    found = lesson.get_ancestors().type(course_models()).last() if course_models() else None
    return found.specific if found else None


def learning_of(course: Page, user: Any, *, today: date) -> Learning:
    """The course as the user meets it today: three queries with one kind of lesson, one for guests."""
    lessons = lessons_of([course])[course.pk]
    decisions = decisions_for(lessons, user, today=today)
    return _learning(lessons, decisions, marks_of(user, lessons), user)


def _learning(
    lessons: Iterable[Page], decisions: dict[int, Decision], marks: dict[UUID, Mark], user: Any
) -> Learning:
    facts = [
        LessonFacts(
            key=key_of(page),
            readable=decisions[page.pk].granted,
            opens_on=getattr(decisions[page.pk], "opens_on", None),
            page=page,
        )
        for page in lessons
    ]
    return learning(facts, marks, is_kept=user.is_authenticated)


def marks_of(user: Any, lessons: Iterable[Page]) -> dict[UUID, Mark]:
    if not user.is_authenticated:
        return {}
    keys = {key_of(page) for page in lessons}
    rows = LessonProgress.objects.filter(user_id=user.pk, lesson__in=keys)
    return {
        lesson: Mark(started_at, completed_at)
        for lesson, started_at, completed_at in rows.values_list("lesson", "started_at", "completed_at")
    }


def my_courses(user: Any, *, today: date) -> list[MyCourse]:
    """The courses that a contract of the user opens, and those with progress, whatever became of the contract."""
    courses = _one_of_each([page for model in course_models() for page in _live(model)])
    lessons = lessons_of(courses)
    every = [lesson for found in lessons.values() for lesson in found]
    decisions = decisions_for([*courses, *every], user, today=today)
    marks = marks_of(user, every)
    certificates = {row.course: row for row in Certificate.objects.filter(user_id=user.pk)}
    mine = [
        MyCourse(
            page=course,
            learning=_learning(lessons[course.pk], decisions, marks, user),
            decision=decisions[course.pk],
            certificate=certificates.get(key_of(course)),
        )
        for course in courses
    ]
    return [course for course in mine if course.learning.has_begun or _holds(course.decision)]


def _live(model: type[Page]) -> Any:
    return model.objects.live().defer_streamfields().select_related("alias_of", "locale")


def _holds(decision: Decision) -> bool:
    return decision.granted and decision.holding is not None


def _one_of_each(courses: list[Page]) -> list[Page]:
    """Of a course and its translations the one in the language that is active, of a course and its alias the course."""
    language = (get_language() or "").split("-")[0]
    by_key: dict[UUID, Page] = {}
    for page in sorted(courses, key=lambda page: _fits(page, language), reverse=True):
        by_key.setdefault(key_of(page), page)
    return sorted(by_key.values(), key=attrgetter("path"))


def _fits(page: Page, language: str) -> tuple[bool, bool]:
    return page.locale.language_code.split("-")[0] == language, page.alias_of_id is None


def is_finished(course: Page, user: Any) -> bool:
    """Has the user done every live lesson of the course? Whatever they may read today."""
    keys = {key_of(page) for page in lessons_of([course])[course.pk]}
    done = LessonProgress.objects.filter(user_id=user.pk, lesson__in=keys, completed_at__isnull=False)
    return bool(keys) and done.count() == len(keys)


def certificate_of(course: Page, user: Any) -> Certificate | None:
    return Certificate.objects.filter(user_id=user.pk, course=key_of(course)).first()
