"""What readers have done: progress in the course, a certificate, a page that was given away."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from wagtail.models import Page

from cms_billing.paywall.lessons.selectors import lessons_of
from cms_billing.paywall.lessons.services import award_certificate, complete_lesson, start_lesson
from cms_billing.paywall.models import LessonProgress
from cms_billing.paywall.sharing.services import CannotGive, create_gift, open_gift
from sandbox.site.models import CoursePage

from .content import COURSE
from .people import account

EVENING = time(19, 30)
BERLIN = ZoneInfo("Europe/Berlin")
GIVEN = "zehn-minuten-am-tag"

# Who has done how many lessons, one a week; the last one opened waits to be finished.
DONE = {"mitglied": 3, "raten": 5, "freitag": 6, "nowak": 7}


def learning_is_loaded() -> bool:
    return LessonProgress.objects.exists()


def load_learning(*, today: date) -> None:
    course = CoursePage.objects.get(slug=COURSE)
    lessons = lessons_of([course])[course.pk]
    for username, count in DONE.items():
        learn(username, lessons, count=count, today=today)
    finisher = account("nowak")
    award_certificate(user=finisher, course=course, name=finisher.get_full_name(), today=today - timedelta(3))
    give_away(today=today)


def learn(username: str, lessons: list[Page], *, count: int, today: date) -> None:
    user, last = account(username), today - timedelta(days=3)
    for place, lesson in enumerate(lessons[: count + 1]):
        day = last - timedelta(days=7 * (count - 1 - place))
        moment = datetime.combine(min(day, today), EVENING, tzinfo=BERLIN) - timedelta(days=1)
        start_lesson(user=user, lesson=lesson, now=moment)
        if place < count:
            complete_lesson(user=user, lesson=lesson, now=moment + timedelta(minutes=50))


def give_away(*, today: date) -> None:
    """Not in a sandbox that was loaded before there were gifts: its rules grant none."""
    page = Page.objects.get(slug=GIVEN)
    moment = datetime.combine(today - timedelta(days=2), EVENING, tzinfo=BERLIN)
    try:
        link, _token = create_gift(
            giver=account("mitglied"), page=page, today=today - timedelta(2), now=moment
        )
    except CannotGive:
        return
    open_gift(link=link, page=page, today=today - timedelta(1), now=moment + timedelta(days=1))
