"""The clock goes forward day by day, every day is lived, and nowhere but where it is allowed."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from cms_billing.core import clock as site_clock
from cms_billing.core.models import ClockShift
from cms_billing.daily.models import DailyRun
from cms_billing.faktura.models import Document, OpenItem
from cms_billing.payments.models import Payment, PaymentMethod
from cms_billing.testing import timemachine
from cms_billing.testing.factories import PaymentMethodFactory, signed_contract
from cms_billing.testing.models import TimeTravel

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "TIME_MACHINE": True}
    return settings


@pytest.fixture
def contract():
    today = site_clock.today()
    return signed_contract(start=today + timedelta(days=2), today=today)


def test_command_lives_every_day_and_prints_a_line_for_each(contract, capsys):
    today = site_clock.today()
    call_command("billing_time_machine", "--days", "3")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == [str(today + timedelta(days=n)) for n in (1, 2, 3)]
    assert "Issue invoices: 1" in lines[1]
    assert lines[3] == f"The clock shows {today + timedelta(days=3)}."
    assert list(DailyRun.objects.order_by("day").values_list("day", flat=True)) == [
        today + timedelta(days=n) for n in (1, 2, 3)
    ]
    assert Document.objects.get().issued_on == contract.start


def test_command_goes_to_a_date_and_to_the_next_due_date(contract):
    call_command("billing_time_machine", "--next-due")
    assert site_clock.today() == contract.start
    call_command("billing_time_machine", "--to", str(contract.start + timedelta(days=1)))
    assert site_clock.today() == contract.start + timedelta(days=1)


def test_what_cannot_be_done_is_refused_in_words(contract, allowed):
    for arguments, words in (
        (["--days", "0"], "it only moves forward"),
        (["--days", "-3"], "it only moves forward"),
        (["--to", "2020-01-01"], "it only moves forward"),
        (["--days", "5000"], "A journey is at most 1100 days."),
        (["--days", "9999999999"], "are too many"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("billing_time_machine", *arguments)
    allowed.CMS_BILLING = {**allowed.CMS_BILLING, "TIME_MACHINE": False}
    with pytest.raises(CommandError, match="cannot be moved here"):
        call_command("billing_time_machine", "--days", "1")
    assert not ClockShift.objects.exists()


def test_the_fake_providers_news_arrive_in_the_morning(contract):
    PaymentMethodFactory(customer=contract.customer, reference="pending-2")
    contract.issuer.payment_days = 0
    contract.issuer.save()
    lived = list(timemachine.live_through(until=contract.start + timedelta(days=3)))
    assert Payment.objects.get().state == "settled"
    assert OpenItem.objects.get().settled_on == contract.start + timedelta(days=2)
    assert [day.webhooks for day in lived] == [0, 0, 1, 1, 0]
    assert PaymentMethod.objects.get().state == "usable"


def test_an_issuer_elsewhere_lives_its_own_date(contract):
    contract.issuer.time_zone = "Pacific/Kiritimati"
    contract.issuer.save()
    list(timemachine.live_through(until=site_clock.today() + timedelta(days=1)))
    expected = site_clock.now().astimezone(ZoneInfo("Pacific/Kiritimati")).date()
    assert DailyRun.objects.get().day == expected


# -- in the page ----------------------------------------------------------------------------------------------------


def press(client, step: str, headers=None, **more):
    address = reverse("cms_billing:time_machine_move")
    return client.post(address, {"step": step, "next": "/shop/", **more}, headers=headers)


def left_alone(travel: TimeTravel) -> None:
    TimeTravel.objects.filter(pk=travel.pk).update(seen_alive_at=travel.seen_alive_at - timedelta(minutes=1))


def test_button_asks_a_worker_and_the_page_shows_how_far_it_is(client, contract):
    assert press(client, "day").url == reverse("cms_billing:time_machine")
    page = client.get(reverse("cms_billing:time_machine")).content.decode()
    assert "0 of 1 days" in page
    assert 'http-equiv="refresh"' in page
    from cms_billing.testing.tasks import travel

    travel(TimeTravel.objects.get().pk)
    page = client.get(reverse("cms_billing:time_machine")).content.decode()
    assert 'http-equiv="refresh"' not in page
    assert 'href="/shop/"' in page


def test_where_no_worker_answers_the_page_does_it(client, contract):
    today = site_clock.today()
    press(client, "next_due")
    left_alone(TimeTravel.objects.get())
    for _look in range(5):
        client.get(reverse("cms_billing:time_machine"))
        left_alone(TimeTravel.objects.get())
    travel = TimeTravel.objects.get()
    assert (travel.state, travel.day, len(travel.lines)) == ("done", today + timedelta(days=2), 2)
    assert Document.objects.count() == 1


def test_day_whose_worker_died_after_moving_the_clock_is_lived_all_the_same(contract):
    today = site_clock.today()
    travel = timemachine.ask_for_journey(until=today + timedelta(days=3), today=today)
    timemachine._step_forward(until=travel.until)
    TimeTravel.objects.update(state="running")
    left_alone(travel)
    timemachine.go_on(travel, seconds=60)
    assert DailyRun.objects.filter(state="done").count() == 3
    assert site_clock.today() == today + timedelta(days=3)


def test_only_one_journey_at_a_time(client, contract):
    press(client, "week")
    press(client, "week")
    assert TimeTravel.objects.count() == 1


def test_nobody_takes_over_while_somebody_is_at_it(contract):
    today = site_clock.today()
    travel = timemachine.ask_for_journey(until=today + timedelta(days=1), today=today)
    TimeTravel.objects.update(state="running")
    timemachine.go_on(travel, seconds=60)
    assert site_clock.today() == today


def test_addresses_are_not_there_where_the_clock_is_fixed(client, allowed):
    allowed.CMS_BILLING = {**allowed.CMS_BILLING, "TIME_MACHINE": False}
    assert press(client, "day").status_code == 404
    assert client.get(reverse("cms_billing:time_machine")).status_code == 404


def test_moving_needs_a_post_from_this_site_and_a_known_step(contract):
    stranger = Client(enforce_csrf_checks=True)
    for origin in ({}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}):
        assert press(stranger, "day", headers=origin).status_code == 403
    assert press(stranger, "century", headers={"Origin": "http://testserver"}).status_code == 404
    assert Client().get(reverse("cms_billing:time_machine_move")).status_code == 405
    assert press(Client(), "century").status_code == 404


def test_way_back_does_not_lead_off_the_site(client, contract):
    press(client, "day", next="https://elsewhere.example/")
    assert client.session["cms_billing_time_machine_back"] == "/"


def test_banner_shows_the_date_to_everyone_and_nothing_where_the_clock_is_fixed(
    rf, allowed, django_assert_num_queries
):
    from django.template.loader import render_to_string

    template = "cms_billing/testing/time_machine_banner.html"
    ClockShift.objects.create(pk=1, days=10)
    moment = datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(days=10)
    with django_assert_num_queries(1):
        html = render_to_string(template, request=rf.get("/kurs/?a=1"))
    assert str(moment.year) in html
    assert "csrfmiddlewaretoken" not in html
    assert 'value="/kurs/?a=1"' in html
    allowed.CMS_BILLING = {**allowed.CMS_BILLING, "TIME_MACHINE": False}
    with django_assert_num_queries(0):
        assert "form" not in render_to_string(template, request=rf.get("/"))


def test_next_due_date_is_the_next_one_not_booked(contract):
    assert timemachine.next_due_date(after=site_clock.today()) == contract.start
    assert timemachine.next_due_date(after=date(2999, 1, 1)) is None
