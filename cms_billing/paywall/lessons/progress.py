"""How far somebody is in a course: a pure function of its lessons, what was done, and what may be read.

What may be read only says where to go next. It never takes away what was done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class State(StrEnum):
    DONE = "done"
    # Where to go on.
    CURRENT = "current"
    OPEN = "open"
    # Opens by itself on a day (``LessonFacts.opens_on``).
    WAITING = "waiting"
    CLOSED = "closed"


@dataclass(frozen=True)
class LessonFacts:
    """A lesson as its reader meets it today. ``page`` is for templates."""

    key: UUID
    readable: bool
    opens_on: date | None = None
    page: Any = None


@dataclass(frozen=True)
class Mark:
    """What somebody left at a lesson."""

    started_at: datetime
    completed_at: datetime | None = None


@dataclass(frozen=True)
class Line:
    """One lesson in the list; ``number`` counts from 1."""

    number: int
    lesson: LessonFacts
    state: State
    mark: Mark | None = None

    @property
    def page(self) -> Any:
        return self.lesson.page

    @property
    def is_done(self) -> bool:
        return self.state is State.DONE


@dataclass(frozen=True)
class Learning:
    """A course with somebody's progress. ``goes_on_with``: the lesson to go on with, None where there is none to read.

    ``has_begun``: there is progress at all; without any, ``goes_on_with`` is where to start.
    """

    lines: tuple[Line, ...]
    done: int
    total: int
    goes_on_with: Line | None = None
    has_begun: bool = False
    # Has the reader an account whose progress is kept?
    is_kept: bool = False

    @property
    def percent(self) -> int:
        """Rounded down: 100 says that nothing is missing."""
        return self.done * 100 // self.total if self.total else 0

    @property
    def is_complete(self) -> bool:
        return 0 < self.total == self.done

    def line_of(self, key: UUID) -> Line | None:
        return next((line for line in self.lines if line.lesson.key == key), None)

    def before(self, line: Line) -> Line | None:
        return self.lines[line.number - 2] if line.number > 1 else None

    def after(self, line: Line) -> Line | None:
        return self.lines[line.number] if line.number < len(self.lines) else None


def learning(
    lessons: Sequence[LessonFacts], marks: Mapping[UUID, Mark], *, is_kept: bool = False
) -> Learning:
    """The course in the order of ``lessons``. A lesson that is listed twice counts once."""
    keys = {lesson.key for lesson in lessons}
    done = {key for key in keys if key in marks and marks[key].completed_at is not None}
    next_lesson = _goes_on_with(lessons, marks, done)
    has_begun = any(key in marks for key in keys)
    current = next_lesson.key if next_lesson and has_begun else None
    lines = tuple(
        Line(number, lesson, _state(lesson, done, current), marks.get(lesson.key))
        for number, lesson in enumerate(lessons, start=1)
    )
    return Learning(
        lines=lines,
        done=len(done),
        total=len(keys),
        goes_on_with=next((line for line in lines if line.lesson is next_lesson), None),
        has_begun=has_begun,
        is_kept=is_kept,
    )


def _goes_on_with(
    lessons: Sequence[LessonFacts], marks: Mapping[UUID, Mark], done: set[UUID]
) -> LessonFacts | None:
    """The lesson that was opened last and is not done; else the first that is not done. Only what may be read."""
    waiting = [lesson for lesson in lessons if lesson.readable and lesson.key not in done]
    begun = [lesson for lesson in waiting if lesson.key in marks]
    if begun:
        return max(begun, key=lambda lesson: marks[lesson.key].started_at)
    return waiting[0] if waiting else None


def _state(lesson: LessonFacts, done: set[UUID], current: UUID | None) -> State:
    if lesson.key in done:
        return State.DONE
    if lesson.key == current:
        return State.CURRENT
    if lesson.readable:
        return State.OPEN
    return State.WAITING if lesson.opens_on else State.CLOSED
