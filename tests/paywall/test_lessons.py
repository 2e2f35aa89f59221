"""Courses: progress, what comes next, certificates. None of it depends on access."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from uuid import UUID

import pypdf
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from wagtail.models import Locale, Page, Site

from cms_billing.memberships.models import Plan
from cms_billing.paywall.lessons import selectors, services
from cms_billing.paywall.lessons.progress import LessonFacts, Mark, State, learning
from cms_billing.paywall.models import Certificate, LessonProgress
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.terms import OpensTo, RuleTerms
from cms_billing.testing.factories import PlanFactory, UserFactory
from tests.testsite.models import ArticlePage, SeminarPage, SessionPage

from .conftest import TODAY, client_of, in_dunning, member

NOW = datetime(2026, 3, 31, 9, 0, tzinfo=UTC)
A, B, C = (UUID(int=n) for n in (1, 2, 3))


def lesson(key: UUID, *, readable: bool = True, opens_on: date | None = None) -> LessonFacts:
    return LessonFacts(key=key, readable=readable, opens_on=opens_on)


def began(days_ago: int) -> Mark:
    return Mark(started_at=NOW - timedelta(days=days_ago))


def did(days_ago: int) -> Mark:
    return Mark(started_at=NOW - timedelta(days=days_ago), completed_at=NOW - timedelta(days=days_ago))


# -- the rules ----------------------------------------------------------------------------------------------------


def test_a_course_begins_with_the_first_lesson_that_may_be_read():
    course = learning([lesson(A, readable=False), lesson(B), lesson(C)], {})

    assert course.goes_on_with.number == 2
    assert not course.has_begun
    assert [line.state for line in course.lines] == [State.CLOSED, State.OPEN, State.OPEN]


def test_it_goes_on_with_the_lesson_opened_last_that_is_not_done():
    course = learning([lesson(A), lesson(B), lesson(C)], {A: began(3), B: began(9), C: did(1)})

    assert course.goes_on_with.number == 1
    assert [line.state for line in course.lines] == [State.CURRENT, State.OPEN, State.DONE]
    assert (course.done, course.total, course.percent) == (1, 3, 33)


def test_what_was_done_stays_done_when_it_is_closed():
    course = learning([lesson(A, readable=False), lesson(B, readable=False)], {A: did(9)})

    assert [line.state for line in course.lines] == [State.DONE, State.CLOSED]
    assert course.goes_on_with is None


def test_a_lesson_whose_day_has_not_come_waits():
    course = learning([lesson(A), lesson(B, readable=False, opens_on=date(2026, 4, 3))], {A: did(2)})

    assert course.lines[1].state is State.WAITING


def test_a_lesson_that_is_listed_twice_counts_once():
    course = learning([lesson(A), lesson(A)], {A: did(1)})

    assert (course.done, course.total, course.is_complete) == (1, 1, True)


LESSONS = st.lists(
    st.builds(
        LessonFacts, key=st.integers(1, 8).map(lambda n: UUID(int=n)), readable=st.booleans(), page=st.none()
    ),
    max_size=12,
)
MARKS = st.dictionaries(
    st.integers(1, 10).map(lambda n: UUID(int=n)),
    st.tuples(st.integers(0, 99), st.booleans()).map(lambda t: did(t[0]) if t[1] else began(t[0])),
)


@given(LESSONS, MARKS)
def test_progress_adds_up_and_does_not_depend_on_access(lessons, marks):
    course = learning(lessons, marks)
    closed = learning([LessonFacts(key=item.key, readable=False) for item in lessons], marks)

    keys = {item.key for item in lessons}
    assert 0 <= course.done <= course.total == len(keys)
    assert course.done == len({line.lesson.key for line in course.lines if line.is_done})
    assert (course.percent == 100) == course.is_complete
    assert (closed.done, closed.total, closed.percent) == (course.done, course.total, course.percent)
    assert [line.is_done for line in closed.lines] == [line.is_done for line in course.lines]
    if line := course.goes_on_with:
        assert line.lesson.readable
        assert not line.is_done
    else:
        assert not any(item.readable and not course.line_of(item.key).is_done for item in lessons)


# -- pages --------------------------------------------------------------------------------------------------------


@dataclass
class Seminar:
    home: Page
    course: SeminarPage
    lessons: list[SessionPage]
    plan: Plan

    @property
    def urls(self) -> list[str]:
        return [lesson.url for lesson in self.lessons]


@pytest.fixture
def seminar(db) -> Seminar:
    """A course of three lessons for the members of a plan."""
    home = Site.objects.get(is_default_site=True).root_page
    course = home.add_child(instance=SeminarPage(title="Writing songs", slug="songs"))
    lessons = [
        course.add_child(instance=SessionPage(title=f"Week {n}", slug=f"week-{n}", body=f"secret {n}"))
        for n in (1, 2, 3)
    ]
    plan = PlanFactory(name="Course")
    set_rule(page=course, plans=[plan])
    return Seminar(home, course, lessons, plan)


def finish(user, pages) -> None:
    for page in pages:
        services.complete_lesson(user=user, lesson=page, now=NOW)


def mark(client: Client, page: Page, **data: str):
    return client.post(reverse("cms_billing:mark_lesson", args=[page.pk]), data)


def test_opening_a_lesson_begins_it_and_done_leads_to_the_next(seminar):
    user, _contract = member(seminar.plan)
    client = client_of(user)

    assert client.get(seminar.urls[0]).context["lesson"].state is State.CURRENT
    answer = mark(client, seminar.lessons[0])

    assert answer.url == seminar.urls[1]
    row = LessonProgress.objects.get()
    assert (row.user, row.page_id, row.completed_at) == (user, seminar.lessons[0].pk, NOW)
    course = client.get(seminar.course.url).context["learning"]
    assert [line.state for line in course.lines] == [State.DONE, State.CURRENT, State.OPEN]
    assert course.goes_on_with.number == 2


def test_the_order_of_lessons_is_that_of_the_pages(seminar):
    seminar.lessons[2].move(seminar.lessons[0], pos="left")
    user, _contract = member(seminar.plan)

    course = client_of(user).get(seminar.course.url).context["learning"]

    assert [line.page.title for line in course.lines] == ["Week 3", "Week 1", "Week 2"]


@pytest.mark.parametrize(
    ("method", "headers"),
    [("head", {}), ("get", {"Sec-Purpose": "prefetch;prerender"}), ("get", {"Purpose": "prefetch"})],
)
def test_what_is_only_fetched_ahead_begins_nothing(seminar, method, headers):
    user, _contract = member(seminar.plan)

    assert getattr(client_of(user), method)(seminar.urls[0], headers=headers).status_code == 200

    assert not LessonProgress.objects.exists()


def test_a_preview_begins_nothing(seminar):
    editor = UserFactory(is_staff=True, is_superuser=True)
    seminar.lessons[0].save_revision()

    client_of(editor).get(reverse("wagtailadmin_pages:view_draft", args=[seminar.lessons[0].pk]))

    assert not LessonProgress.objects.exists()


def test_a_closed_lesson_is_neither_begun_nor_done(seminar):
    user = UserFactory()
    client = client_of(user)

    assert "secret" not in client.get(seminar.urls[0]).content.decode()
    assert mark(client, seminar.lessons[0]).url == seminar.urls[0]

    assert not LessonProgress.objects.exists()


def test_guests_are_sent_to_the_login_and_nothing_is_kept(seminar, client):
    answer = mark(client, seminar.lessons[0])

    assert answer.status_code == 302
    assert "login" in answer.url
    assert not LessonProgress.objects.exists()


def test_a_lesson_may_be_not_done_after_all(seminar):
    user, _contract = member(seminar.plan)
    client = client_of(user)
    client.get(seminar.urls[0])
    mark(client, seminar.lessons[0])

    assert mark(client, seminar.lessons[0], undo="1").url == seminar.urls[0]

    assert LessonProgress.objects.get().completed_at is None


def test_progress_stays_when_the_member_is_locked_and_is_shown(seminar):
    user, contract = member(seminar.plan)
    finish(user, seminar.lessons[:2])
    in_dunning(contract, level=3, locked=True)
    client = client_of(user)

    assert client.get(seminar.urls[2]).status_code == 402
    page = client.get(reverse("cms_billing:account_courses")).content.decode()

    assert "2 of 3 lessons done" in page
    assert LessonProgress.objects.filter(completed_at__isnull=False).count() == 2


def test_progress_is_on_the_teaser_of_a_course_whose_contract_ended(seminar):
    user, contract = member(seminar.plan)
    finish(user, seminar.lessons[:1])
    type(contract).objects.filter(pk=contract.pk).update(end=date(2026, 2, 28))

    page = client_of(user).get(seminar.course.url).content.decode()

    assert "1 of 3 lessons done" in page
    assert "Your progress is kept" in page


def test_guests_get_one_teaser_without_cookies_or_progress(seminar, client):
    answer = client.get(seminar.course.url)

    assert "Week 3" in answer.content.decode()
    assert "<progress" not in answer.content.decode()
    assert not answer.cookies
    assert "no-store" not in answer.get("Cache-Control", "")


def test_an_open_lesson_is_cacheable_for_guests_and_private_with_progress(seminar, client):
    set_free(seminar.lessons[0])

    as_guest = client.get(seminar.urls[0])
    as_user = client_of(UserFactory()).get(seminar.urls[0])

    assert "no-store" not in as_guest.get("Cache-Control", "")
    assert not as_guest.cookies
    assert "no-store" in as_user["Cache-Control"]
    assert LessonProgress.objects.count() == 1


def set_free(page: Page) -> None:
    set_rule(page=page, terms=RuleTerms(opens_to=OpensTo.EVERYONE))


def test_a_lesson_says_from_when_it_opens(seminar):
    set_rule(page=seminar.lessons[2], terms=RuleTerms(opens_to=OpensTo.SECTION, opens_on=date(2026, 4, 9)))
    user, _contract = member(seminar.plan)
    client = client_of(user)

    course = client.get(seminar.course.url)
    teaser = client.get(seminar.urls[2]).content.decode()

    assert course.context["learning"].lines[2].state is State.WAITING
    assert "from 04/09/2026" in course.content.decode()
    assert "secret 3" not in teaser
    assert "April 9, 2026" in teaser


# -- translations, aliases, copies --------------------------------------------------------------------------------


def test_progress_counts_in_the_translation_and_under_an_alias(seminar):
    user, _contract = member(seminar.plan)
    finish(user, seminar.lessons[:1])
    german = Locale.objects.create(language_code="de")
    home = seminar.home.copy_for_translation(german)
    course = seminar.course.copy_for_translation(german)
    lesson = seminar.lessons[0].copy_for_translation(german)
    for page in (home, course, lesson):
        page.save_revision().publish()
    alias = seminar.lessons[0].create_alias(parent=seminar.home, update_slug="again")

    assert selectors.learning_of(SeminarPage.objects.get(pk=course.pk), user, today=TODAY).done == 1
    assert selectors.key_of(alias) == seminar.lessons[0].translation_key


def test_a_copy_is_a_lesson_of_its_own(seminar):
    user, _contract = member(seminar.plan)
    finish(user, seminar.lessons)

    copy = seminar.course.copy(recursive=True, update_attrs={"slug": "next-year", "title": "Next year"})

    assert selectors.learning_of(copy, user, today=TODAY).done == 0


def test_deleting_the_page_keeps_the_progress(seminar):
    user, _contract = member(seminar.plan)
    finish(user, seminar.lessons[:1])

    seminar.lessons[0].delete()

    assert LessonProgress.objects.get().page is None


# -- certificates -------------------------------------------------------------------------------------------------


def finished_by(seminar, **facts):
    user, contract = member(seminar.plan)
    for name, value in {"first_name": "Anna", "last_name": "Berg", **facts}.items():
        setattr(user, name, value)
    user.save()
    finish(user, seminar.lessons[:2])
    return user, contract


def test_the_last_lesson_brings_the_certificate_once(seminar):
    user, _contract = finished_by(seminar)
    client = client_of(user)

    assert mark(client, seminar.lessons[2]).url == seminar.course.url
    mark(client, seminar.lessons[2])

    certificate = Certificate.objects.get()
    assert (certificate.name, certificate.course_title) == ("Anna Berg", "Writing songs")
    assert certificate.issued_on == TODAY
    assert len(certificate.code) == services.CODE_LENGTH


def test_the_certificate_keeps_what_it_said(seminar):
    user, _contract = finished_by(seminar)
    finish(user, seminar.lessons)
    given = services.award_certificate(user=user, course=seminar.course, name="Anna Berg", today=TODAY)
    seminar.course.title = "Something else"
    seminar.course.save()
    seminar.course.add_child(instance=SessionPage(title="Week 4", slug="week-4"))

    again = services.award_certificate(user=user, course=seminar.course, name="Other", today=date(2026, 5, 1))

    assert again == given
    assert (again.name, again.course_title) == ("Anna Berg", "Writing songs")


def test_no_certificate_before_all_is_done(seminar):
    user, _contract = finished_by(seminar)

    with pytest.raises(services.CourseNotFinished):
        services.award_certificate(user=user, course=seminar.course, name="Anna", today=TODAY)
    page = client_of(user).post(
        reverse("cms_billing:course_certificate", args=[seminar.course.pk]), {"name": "Anna"}
    )

    assert "2 of 3 lessons done" in page.content.decode()
    assert not Certificate.objects.exists()


def test_who_has_no_name_is_asked_for_it(seminar):
    user, contract = finished_by(seminar, first_name="", last_name="")
    contract.customer.first_name = contract.customer.last_name = ""
    contract.customer.company = "Berg Ltd"
    contract.customer.save()
    client = client_of(user)
    mark(client, seminar.lessons[2])
    url = reverse("cms_billing:course_certificate", args=[seminar.course.pk])

    assert not Certificate.objects.exists()
    assert 'name="name"' in client.get(url).content.decode()
    assert "needs a name" in client.post(url, {"name": "  "}).content.decode()
    client.post(url, {"name": " Anna   Berg "})

    assert Certificate.objects.get().name == "Anna Berg"


def test_the_certificate_remains_when_access_is_gone(seminar):
    user, contract = finished_by(seminar)
    client = client_of(user)
    mark(client, seminar.lessons[2])
    in_dunning(contract, level=3, locked=True)
    code = Certificate.objects.get().code

    assert client.get(seminar.urls[0]).status_code == 402
    assert client.get(reverse("cms_billing:account_certificate", args=[code])).status_code == 200
    assert client.get(reverse("cms_billing:account_certificate_pdf", args=[code])).status_code == 200


def test_the_pdf_says_who_what_and_when_and_where_to_check_it(seminar):
    seminar.course.certificate_text = "<p>With <b>Mira Adler</b>.</p>"
    seminar.course.save()
    user, _contract = finished_by(seminar)
    client = client_of(user)
    mark(client, seminar.lessons[2])
    code = Certificate.objects.get().code

    pdf = client.get(reverse("cms_billing:account_certificate_pdf", args=[code]))
    pages = pypdf.PdfReader(BytesIO(pdf.content)).pages
    text = " ".join(pages[0].extract_text().split())

    assert len(pages) == 1
    for words in ("Anna Berg", "Writing songs", "March 31, 2026", "With Mira Adler", code):
        assert words in text
    assert "no-store" in pdf["Cache-Control"]


def test_anybody_checks_a_certificate_and_sees_only_name_course_and_day(seminar, client):
    user, _contract = finished_by(seminar, email="anna@example.org")
    mark(client_of(user), seminar.lessons[2])
    code = Certificate.objects.get().code
    spelled = f"{code[:4]}-{code[4:8]}-{code[8:]}".lower()

    page = client.get(reverse("cms_billing:ask_certificate"), {"code": spelled})

    shown = page.content.decode()
    for words in ("Anna Berg", "Writing songs", "March 31, 2026"):
        assert words in shown
    assert "anna@example.org" not in shown
    assert page["X-Robots-Tag"].startswith("noindex")
    missing = client.get(reverse("cms_billing:check_certificate", args=["ABCD-EFGH-2345"]))
    assert missing.status_code == 404


def test_the_neighbours_certificate_does_not_exist(seminar):
    user, _contract = finished_by(seminar)
    mark(client_of(user), seminar.lessons[2])
    code = Certificate.objects.get().code
    neighbour = client_of(UserFactory())

    for name in ("account_certificate", "account_certificate_pdf"):
        assert neighbour.get(reverse(f"cms_billing:{name}", args=[code])).status_code == 404


def test_a_course_may_give_none(seminar):
    SeminarPage.objects.update(gives_certificate=False)
    user, _contract = finished_by(seminar)
    client = client_of(user)
    mark(client, seminar.lessons[2])

    assert not Certificate.objects.exists()
    assert client.get(reverse("cms_billing:course_certificate", args=[seminar.course.pk])).status_code == 404


# -- the account --------------------------------------------------------------------------------------------------


def test_my_courses_has_what_i_hold_and_what_i_began(seminar):
    user, _contract = member(seminar.plan)
    other = seminar.home.add_child(instance=SeminarPage(title="Closed to me", slug="closed"))
    other.add_child(instance=SessionPage(title="One", slug="one"))
    set_rule(page=other, plans=[PlanFactory(name="Other")])

    assert [row.page.title for row in selectors.my_courses(user, today=TODAY)] == ["Writing songs"]

    finish(user, [other.get_children().get().specific])
    rows = selectors.my_courses(user, today=TODAY)
    assert [(row.page.title, row.learning.done, row.learning.total) for row in rows] == [
        ("Writing songs", 0, 3),
        ("Closed to me", 1, 1),
    ]


# -- speed --------------------------------------------------------------------------------------------------------


def queries(client: Client, url: str) -> int:
    # Changed rules are read anew by each request until the commit that this test never makes.
    connection.run_on_commit = []
    client.get(url)
    with CaptureQueriesContext(connection) as caught:
        assert client.get(url).status_code == 200
    return len(caught)


def add_lessons(course: Page, count: int) -> None:
    for n in range(count):
        course.add_child(instance=SessionPage(title=f"More {n}", slug=f"more-{n}"))


@pytest.mark.parametrize("where", ["course", "lesson", "account"])
def test_a_hundred_lessons_cost_as_many_queries_as_three(seminar, where):
    user, _contract = member(seminar.plan)
    finish(user, seminar.lessons[:1])
    client = client_of(user)
    url = {
        "course": seminar.course.url,
        "lesson": seminar.urls[1],
        "account": reverse("cms_billing:account_courses"),
    }[where]
    few = queries(client, url)
    add_lessons(seminar.course, 97)

    assert queries(client, url) == few


def test_a_lesson_costs_few_queries_more_than_one_outside_any_course(seminar):
    """The course as its own kind of page, what the member holds, the progress; and its lessons, by their kinds."""
    user, _contract = member(seminar.plan)
    client = client_of(user)
    section = seminar.home.add_child(instance=ArticlePage(title="Elsewhere", slug="elsewhere"))
    plain = section.add_child(instance=SessionPage(title="No course", slug="plain"))
    set_rule(page=plain, plans=[seminar.plan])

    assert queries(client, seminar.urls[0]) - queries(client, plain.url) == 3 + len(selectors.lesson_models())


def test_editors_look_a_certificate_up(seminar):
    user, _contract = finished_by(seminar)
    mark(client_of(user), seminar.lessons[2])
    certificate = Certificate.objects.get()
    admin = client_of(UserFactory(is_staff=True, is_superuser=True))

    found = admin.get(reverse("billing-certificates:index"), {"q": certificate.code})
    page = admin.get(reverse("billing-certificates:inspect", args=[certificate.pk]))

    assert list(found.context["object_list"]) == [certificate]
    assert "Anna Berg" in page.content.decode()
