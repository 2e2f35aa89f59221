"""What readers of the demo have done: it is made by the services, so it must fit the demo's rules and contracts."""

from datetime import timedelta

import pytest
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.paywall.lessons.progress import State
from cms_billing.paywall.models import Certificate, GiftLink
from sandbox.site.demo import billing, learning
from sandbox.site.demo.billing import Story
from sandbox.site.demo.people import account
from sandbox.site.models import CoursePage

pytestmark = pytest.mark.usefixtures("demo")


LEARNERS = [
    Story("mitglied", "monat", 104),
    Story("mitglied", "kurs-raten", 88),
    Story("nowak", "kurs-raten", 95),
    Story("freitag", "kurs", 70),
]


@pytest.fixture
def learned():
    for story in LEARNERS:
        billing.sign(story, clock.today() - timedelta(days=story.days_ago))
    learning.load_learning(today=clock.today())


def test_somebody_is_in_the_middle_somebody_waits_and_somebody_is_through(learned, client):
    address = CoursePage.objects.get().url
    seen = {}
    for username in ("mitglied", "freitag", "nowak"):
        client.force_login(account(username), backend="django.contrib.auth.backends.ModelBackend")
        seen[username] = client.get(address).context["learning"]

    assert {name: course.done for name, course in seen.items()} == {"mitglied": 3, "freitag": 6, "nowak": 7}
    assert seen["freitag"].lines[-1].state is State.WAITING
    assert seen["mitglied"].goes_on_with.number == 4
    assert seen["nowak"].is_complete
    assert Certificate.objects.get().name == "Anton Nowak"


def test_the_account_shows_courses_and_gifts(learned, client):
    client.force_login(account("mitglied"), backend="django.contrib.auth.backends.ModelBackend")

    assert "3 von 7 Lektionen erledigt" in client.get(reverse("cms_billing:account_courses")).content.decode()
    assert "Zehn Minuten" in client.get(reverse("cms_billing:account_gifts")).content.decode()
    assert GiftLink.objects.get().openings == 1


def test_guests_may_read_two_articles_of_the_magazine(client):
    page = client.get("/magazin/mitglieder/zehn-minuten-am-tag/").content.decode()

    assert "2 freie Seiten im Monat" in page
