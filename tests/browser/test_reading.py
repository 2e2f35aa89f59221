"""A guest reads a free page, a member gives one away, a learner goes through a course; desktop and telephone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse
from wagtail.models import Site

from cms_billing.core import clock
from cms_billing.memberships.models import Plan
from cms_billing.paywall.models import Certificate, GiftLink
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.terms import OpensTo, RuleTerms
from cms_billing.testing.factories import CustomerFactory, PlanFactory, UserFactory, signed_contract
from sandbox.site.models import ArticlePage, CoursePage, LessonPage, MagazineIndexPage

pytestmark = pytest.mark.browser

SECRET = "Zehn Minuten reichen, wenn man sie wirklich hat."
BODY = [("text", f"<p>{SECRET}</p>")]


@dataclass
class Academy:
    section: MagazineIndexPage
    article: ArticlePage
    course: CoursePage
    lessons: list[LessonPage]
    plan: Plan


@pytest.fixture
def academy(live_server) -> Academy:
    cache.clear()
    home = Site.objects.get(is_default_site=True).root_page
    section = home.add_child(instance=MagazineIndexPage(title="Magazin", slug="magazin", show_in_menus=True))
    article = section.add_child(
        instance=ArticlePage(
            title="Zehn Minuten am Tag",
            slug="zehn",
            author="Hanne Brockdorf",
            intro="<p>Wie aus wenig Zeit ein Lied wird.</p>",
            body=BODY,
        )
    )
    course = home.add_child(
        instance=CoursePage(
            title="Songwriting in sechs Wochen",
            slug="kurs",
            teacher="Mira Adler",
            effort="6 Wochen",
            intro="<p>Von der ersten Zeile bis zum fertigen Lied.</p>",
            certificate_text="<p>Vier Lektionen über Melodie, Text und Form.</p>",
        )
    )
    titles = ("Auftakt: Werkzeug und Zeit", "Der erste Vers", "Der Refrain", "Überarbeiten und vorspielen")
    lessons = [
        course.add_child(
            instance=LessonPage(
                title=title, slug=f"lektion-{n}", intro="<p>Worum es geht.</p>", minutes=40, body=BODY
            )
        )
        for n, title in enumerate(titles)
    ]
    plan = PlanFactory(name="Mitgliedschaft")
    set_rule(page=section, plans=[plan], terms=RuleTerms(quota=2, gifts=3))
    set_rule(page=course, plans=[plan])
    return Academy(section, article, course, lessons, plan)


@pytest.fixture
def learner(academy):
    user = UserFactory(first_name="Klara", last_name="Voss")
    customer = CustomerFactory(issuer=academy.plan.issuer, user=user)
    today = clock.today()
    signed_contract(plan=academy.plan, customer=customer, start=today - timedelta(days=20), today=today)
    return user


@pytest.fixture(params=["desktop", "phone"])
def window(request, page, phone, live_server):
    """A visitor who reads German; ``name`` is for the screenshots."""
    chosen = page if request.param == "desktop" else phone
    chosen.context.add_cookies([{"name": "django_language", "value": "de", "url": live_server.url}])
    chosen.kind = request.param
    return chosen


@pytest.fixture
def my_window(window, client, learner, live_server):
    """The same for the learner, who is logged in."""
    client.force_login(learner, backend="django.contrib.auth.backends.ModelBackend")
    value = client.cookies["sessionid"].value
    window.context.add_cookies([{"name": "sessionid", "value": value, "url": live_server.url}])
    return window


def fits(window) -> bool:
    return window.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_guest_reads_a_free_page(window, academy, screenshot):
    window.goto(academy.article.url)
    screenshot(window, f"reading-teaser-{window.kind}")
    assert SECRET not in window.content()
    assert fits(window)

    window.locator(".paywall-free button").click()

    window.locator(".paywall-pass").wait_for()
    screenshot(window, f"reading-free-{window.kind}")
    assert SECRET in window.content()
    assert "Noch 1 in diesem Monat" in window.locator(".paywall-pass").inner_text()
    assert fits(window)


def test_the_third_page_says_when_there_are_new_ones(window, academy, screenshot):
    more = [
        academy.section.add_child(
            instance=ArticlePage(
                title=f"Text {n}", slug=f"text-{n}", author="N. N.", intro="<p>Mehr.</p>", body=BODY
            )
        )
        for n in range(3)
    ]
    for article in more:
        window.goto(article.url)
        window.locator(".paywall-free button").click()
        window.wait_for_load_state()

    assert "freien Seiten dieses Monats gelesen" in window.locator(".paywall-free").inner_text()
    screenshot(window, f"reading-used-up-{window.kind}")
    assert SECRET not in window.content()


def test_a_member_gives_a_page_away(my_window, open_window, academy, screenshot):
    window = my_window
    window.goto(academy.article.url)
    screenshot(window, f"gift-button-{window.kind}")
    window.locator(".paywall-give button").click()
    window.locator(".billing-gift").wait_for()
    screenshot(window, f"gift-links-{window.kind}")
    assert fits(window)
    url = window.locator(".billing-gift-url").get_attribute("data-copy")

    friend = open_window()
    friend.context.add_cookies(
        [cookie for cookie in window.context.cookies() if cookie["name"] == "django_language"]
    )
    friend.goto(url)
    assert SECRET in friend.content()
    assert "/gift/" not in friend.url
    screenshot(friend, f"gift-opened-{window.kind}")

    window.locator(".billing-gift button:not(.billing-copy)").click()
    window.locator(".billing-gift .status", has_text="Zurückgenommen").wait_for()
    friend.reload()
    assert SECRET not in friend.content()
    friend.goto(url)
    assert "gilt nicht mehr" in friend.locator("h1").inner_text()
    screenshot(friend, f"gift-over-{window.kind}")
    assert GiftLink.objects.get().openings == 1


def test_a_learner_goes_through_a_course(my_window, academy, screenshot):
    window = my_window
    last = academy.lessons[-1]
    later = RuleTerms(opens_to=OpensTo.SECTION, opens_after_days=30)
    set_rule(page=last, terms=later)
    window.goto(academy.course.url)
    screenshot(window, f"course-new-{window.kind}")
    window.locator(".billing-progress a").click()
    for _lesson in academy.lessons[:2]:
        window.locator(".billing-lesson-done-form .btn-primary").click()
        window.wait_for_load_state()
    screenshot(window, f"course-lesson-{window.kind}")
    assert fits(window)
    window.goto(academy.course.url)
    screenshot(window, f"course-half-{window.kind}")
    assert fits(window)
    window.goto(last.url)
    screenshot(window, f"course-later-{window.kind}")
    assert "Öffnet für Sie am" in window.content()

    set_rule(page=last, terms=RuleTerms(opens_to=OpensTo.SECTION))
    for lesson in academy.lessons[2:]:
        window.goto(lesson.url)
        window.locator(".billing-lesson-done-form .btn-primary").click()
        window.wait_for_load_state()
    screenshot(window, f"course-done-{window.kind}")
    window.goto(reverse("cms_billing:account_courses"))
    screenshot(window, f"course-account-{window.kind}")
    window.locator(".billing-course .btn").click()
    window.locator(".billing-certificate").wait_for()
    screenshot(window, f"course-certificate-{window.kind}")
    assert fits(window)
    window.context.clear_cookies()
    window.goto(reverse("cms_billing:check_certificate", args=[Certificate.objects.get().code]))
    screenshot(window, f"course-check-{window.kind}")
    assert "Klara Voss" in window.content()


def test_guests_see_the_lessons_and_nothing_of_progress(window, academy, screenshot):
    set_rule(page=academy.lessons[0], terms=RuleTerms(opens_to=OpensTo.EVERYONE))

    window.goto(academy.course.url)

    screenshot(window, f"course-guest-{window.kind}")
    assert window.locator(".lessons li").count() == 4
    assert window.locator("progress").count() == 0
    assert fits(window)
