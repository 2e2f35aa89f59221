"""What a course or a lesson shows to whom: the part of the page types that knows the visitor."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from wagtail.models import Page

from cms_billing.core import clock
from cms_billing.core.pages import keep_private

from .. import gate
from ..visits import is_visit
from . import selectors, services
from .progress import Learning


def reader_of(request: HttpRequest) -> Any:
    """The user, without opening a session for guests."""
    return AnonymousUser() if gate.is_guest(request) else request.user


def keep_personal(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Progress is one person's own, also on a page that is open to all."""
    return response if gate.is_guest(request) else keep_private(response)


def learning_for(request: HttpRequest, course: Page) -> Learning:
    return selectors.learning_of(course, reader_of(request), today=clock.today())


def lesson_context(request: HttpRequest, lesson: Page) -> dict[str, Any]:
    course = selectors.course_of(lesson)
    if course is None:
        return {}
    learning = learning_for(request, course)
    line = learning.line_of(selectors.key_of(lesson))
    if line is not None and line.mark is None and _is_opened(request, lesson):
        services.start_lesson(user=request.user, lesson=lesson, now=clock.now())
        learning = learning_for(request, course)
        line = learning.line_of(selectors.key_of(lesson))
    return {
        "course_page": course,
        "learning": learning,
        "lesson": line,
        "previous_lesson": learning.before(line) if line else None,
        "next_lesson": learning.after(line) if line else None,
    }


def _is_opened(request: HttpRequest, lesson: Page) -> bool:
    """By somebody whose progress is kept, and who may read it."""
    return is_visit(request) and not gate.is_guest(request) and gate.access(request, lesson).granted
