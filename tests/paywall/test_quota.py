"""Free pages each month: the teaser stays one for all guests, and nobody reads more than the rule grants."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cms_billing.core import clock
from cms_billing.paywall.models import FreeRead
from cms_billing.paywall.rule_map import current_rules
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.sharing.selectors import Reader, next_month
from cms_billing.paywall.sharing.services import FreePagesUsedUp, read_free
from cms_billing.paywall.terms import OpensTo, RuleTerms
from cms_billing.testing.factories import UserFactory
from tests.testsite.models import ArticlePage

from .conftest import SECRET, TODAY, client_of, in_dunning, member

NOW = datetime(2026, 3, 31, 9, 0, tzinfo=UTC)
OURS = {"headers": {"Origin": "http://testserver"}}


def free_pages(magazine, quota: int = 2):
    set_rule(page=magazine.section, plans=[magazine.plan], terms=RuleTerms(quota=quota))
    return magazine


@pytest.fixture
def articles(magazine):
    """Four closed articles; two of them a month are free."""
    free_pages(magazine)
    more = [
        magazine.section.add_child(instance=ArticlePage(title=f"More {n}", slug=f"more-{n}", body=SECRET))
        for n in (1, 2, 3)
    ]
    return [magazine.article, *more]


def ask(client: Client, page, **headers: str):
    return client.post(
        reverse("cms_billing:read_free", args=[page.pk]), headers=headers or {"Origin": "http://testserver"}
    )


def reads(client: Client, page) -> bool:
    return SECRET in client.get(page.url).content.decode()


# -- guests -------------------------------------------------------------------------------------------------------


def test_the_teaser_offers_free_pages_and_is_one_for_all_guests(articles, client):
    first, second = client.get(articles[0].url), Client().get(articles[0].url)

    assert "2 free pages a month" in first.content.decode()
    assert first.content == second.content
    assert not first.cookies
    assert "csrfmiddlewaretoken" not in first.content.decode()
    assert "no-store" not in first.get("Cache-Control", "")


def test_a_guest_reads_two_pages_and_not_a_third(articles, client):
    for page in articles[:2]:
        assert ask(client, page).url == page.url
        assert reads(client, page)

    third = ask(client, articles[2])

    assert "You have read your 2 free pages of this month." in third.content.decode()
    assert "April 1, 2026" in third.content.decode()
    assert SECRET not in third.content.decode()
    assert third["Cache-Control"] == "private, no-store"
    assert not reads(client, articles[2])
    assert FreeRead.objects.count() == 2


def test_the_free_page_says_so_and_is_nobody_elses(articles, client):
    ask(client, articles[0])

    answer = client.get(articles[0].url)

    decision = answer.context["paywall_decision"]
    assert (decision.reason, decision.free_left) == ("free_read", 1)
    assert answer["Cache-Control"] == "private, no-store"
    assert not reads(Client(), articles[0])


def test_reading_a_page_again_costs_nothing(articles, client):
    for _time in range(3):
        ask(client, articles[0])
    ask(client, articles[1])

    assert reads(client, articles[0])
    assert reads(client, articles[1])
    assert FreeRead.objects.count() == 2


def test_the_cookies_are_sent_to_the_page_its_files_and_where_one_asks_only(articles, client):
    answer = ask(client, articles[0])

    paths = {name: morsel["path"] for name, morsel in answer.cookies.items()}
    assert paths == {
        "cms_billing_visitor": "/billing/read/",
        f"cms_billing_pass_free_{articles[0].pk}": articles[0].url,
        "cms_billing_pass_free_at_files": "/billing/files/",
        "cms_billing_pass_free_at_documents": "/documents/",
        "cms_billing_pass_free_at_images": "/images/",
    }
    assert all(morsel["httponly"] and morsel["samesite"] == "Lax" for morsel in answer.cookies.values())
    # Until the first of April begins in the site's time zone.
    assert all(0 < morsel["max-age"] <= 86400 for morsel in answer.cookies.values())


def test_the_cookie_of_one_page_opens_no_other(articles, client):
    ask(client, articles[0])
    value = client.cookies[f"cms_billing_pass_free_{articles[0].pk}"].value
    client.cookies.clear()
    client.cookies[f"cms_billing_pass_free_{articles[1].pk}"] = value

    assert not reads(client, articles[1])


@pytest.mark.parametrize("value", ["", "nonsense", "a" * 32 + ":signature"])
def test_a_made_up_cookie_opens_nothing(articles, client, value):
    client.cookies[f"cms_billing_pass_free_{articles[0].pk}"] = value

    assert not reads(client, articles[0])


def test_next_month_begins_anew(articles, client):
    for page in articles[:2]:
        ask(client, page)

    with clock.frozen(datetime(2026, 4, 1, 9, 0, tzinfo=UTC)):
        assert not reads(client, articles[0])
        ask(client, articles[2])
        assert reads(client, articles[2])


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("get", {}),
        ("head", {}),
        ("post", {}),
        ("post", {"Origin": "https://elsewhere.example"}),
        ("post", {"Origin": "null"}),
        ("post", {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}),
        ("post", {"Sec-Fetch-Site": "same-site"}),
        ("post", {"Sec-Fetch-Site": "same-origin", "Sec-Purpose": "prefetch"}),
    ],
)
def test_nothing_is_counted_for_bots_and_forms_of_other_sites(articles, client, method, headers):
    answer = getattr(client, method)(reverse("cms_billing:read_free", args=[articles[0].pk]), headers=headers)

    assert not FreeRead.objects.exists()
    assert not answer.cookies


def test_fetching_the_page_itself_never_counts(articles, client):
    ask(client, articles[0])
    for headers in ({}, {"Sec-Purpose": "prefetch"}):
        client.head(articles[1].url, headers=headers)
        client.get(articles[1].url, headers=headers)

    assert FreeRead.objects.count() == 1


def test_the_browsers_word_for_the_same_page_is_enough(articles, client):
    ask(client, articles[0], **{"Sec-Fetch-Site": "same-origin"})

    assert reads(client, articles[0])


# -- users --------------------------------------------------------------------------------------------------------


def test_a_user_without_a_plan_is_counted_on_every_device(articles):
    user = UserFactory()
    ask(client_of(user), articles[0])
    ask(client_of(user), articles[1])
    other_device = client_of(user)

    assert reads(other_device, articles[0])
    assert "You have read your 2 free pages" in ask(other_device, articles[2]).content.decode()
    assert "free pages of this month" in other_device.get(articles[2].url).content.decode()


def test_what_a_guest_has_read_counts_after_logging_in(articles, client):
    ask(client, articles[0])
    user = UserFactory()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    assert reads(client, articles[0])
    ask(client, articles[1])
    assert "You have read your 2 free pages" in ask(client, articles[2]).content.decode()


def test_a_member_spends_nothing(articles, magazine):
    user, _contract = member(magazine.plan)

    assert ask(client_of(user), articles[0]).url == articles[0].url

    assert not FreeRead.objects.exists()


def test_free_pages_do_not_stand_in_for_what_is_owed(articles, magazine):
    user, contract = member(magazine.plan)
    in_dunning(contract, level=3, locked=True)
    client = client_of(user)

    ask(client, articles[0])

    assert client.get(articles[0].url).status_code == 402
    assert not FreeRead.objects.exists()


def test_no_quota_no_button_and_nothing_to_take(magazine, client):
    assert "cms_billing" not in client.get(magazine.article.url).content.decode().split("<form")[-1]

    ask(client, magazine.article)

    assert not FreeRead.objects.exists()
    assert not reads(client, magazine.article)


def test_a_lesson_whose_day_has_not_come_is_not_free_either(articles, client):
    set_rule(page=articles[0], terms=RuleTerms(opens_to=OpensTo.SECTION, opens_on=date(2026, 4, 9)))

    ask(client, articles[0])

    assert "free page" not in client.get(articles[0].url).content.decode()
    assert not FreeRead.objects.exists()


def test_a_section_with_a_quota_of_its_own_counts_for_itself(articles, client):
    set_rule(page=articles[3], terms=RuleTerms(opens_to=OpensTo.SECTION, quota=1))
    for page in (articles[0], articles[1], articles[3]):
        ask(client, page)

    assert all(reads(client, page) for page in (articles[0], articles[1], articles[3]))


def test_a_page_that_is_not_live_does_not_exist(articles, client):
    articles[0].unpublish()

    assert ask(client, articles[0]).status_code == 404


# -- the service --------------------------------------------------------------------------------------------------


def test_guests_without_cookies_cost_no_query_more(articles, client):
    connection.run_on_commit = []
    page, other = articles[0], articles[1]
    client.get(page.url)
    set_rule(page=other, terms=RuleTerms(opens_to=OpensTo.SECTION, quota=0))
    connection.run_on_commit = []
    client.get(other.url)

    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as with_quota:
        client.get(page.url)
    with CaptureQueriesContext(connection) as without:
        client.get(other.url)

    assert len(with_quota) == len(without)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    quota=st.integers(0, 3),
    steps=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 1)), max_size=14),
)
def test_whatever_is_asked_the_counter_adds_up(articles, magazine, quota, steps):
    """``steps``: which page, which of two guests and a user, in which of two months."""
    people = [Reader(visitor="a" * 32), Reader(visitor="b" * 32), Reader(user_id=UserFactory().pk)]
    free_pages(magazine, quota)
    rule = current_rules().rule_for(articles[0].path)
    with transaction.atomic():
        got: dict[tuple[int, int], set[int]] = {}
        for which, who, month in steps:
            mine = got.setdefault((who, month), set())
            page, day = articles[which], date(2026, 3 + month, 15)
            try:
                read_free(reader=people[who], page=page, rule=rule, today=day, now=NOW)
                mine.add(page.pk)
            except FreePagesUsedUp:
                assert page.pk not in mine
                assert len(mine) == quota
            assert len(mine) <= quota
        assert FreeRead.objects.count() == sum(map(len, got.values()))
        transaction.set_rollback(True)


def test_a_number_is_taken_once(articles):
    place = {"section": articles[0].get_parent(), "month": date(2026, 3, 1), "visitor": "a" * 32}
    FreeRead.objects.create(**place, page=articles[0], number=1, read_at=NOW)

    for page, number in ((articles[1], 1), (articles[0], 2)):
        with pytest.raises(IntegrityError), transaction.atomic():
            FreeRead.objects.create(**place, page=page, number=number, read_at=NOW)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_ten_tabs_at_once_get_no_more_than_the_quota(articles, magazine):
    more = [
        magazine.section.add_child(instance=ArticlePage(title=f"Even more {n}", slug=f"even-{n}"))
        for n in range(10)
    ]
    rule, reader = current_rules().rule_for(articles[0].path), Reader(visitor="a" * 32)
    barrier, answers = Barrier(len(more)), []

    def tab(page) -> None:
        barrier.wait()
        try:
            read_free(reader=reader, page=page, rule=rule, today=TODAY, now=NOW)
            answers.append("read")
        except FreePagesUsedUp:
            answers.append("used up")
        finally:
            connection.close()

    threads = [Thread(target=tab, args=[page]) for page in more]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == ["read"] * 2 + ["used up"] * 8
    assert FreeRead.objects.count() == 2


def test_reads_are_kept_this_month_and_the_last(articles, capsys):
    for number, month in enumerate((date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)), start=1):
        FreeRead.objects.create(
            section=articles[0].get_parent(),
            page=articles[0],
            visitor="a" * 32,
            month=month,
            number=number,
            read_at=NOW,
        )

    call_command("billing_forget_readers")

    assert set(FreeRead.objects.values_list("month", flat=True)) == {date(2026, 2, 1), date(2026, 3, 1)}


@pytest.mark.parametrize(
    ("day", "following"), [(date(2026, 12, 31), date(2027, 1, 1)), (date(2026, 1, 31), date(2026, 2, 1))]
)
def test_the_next_month(day, following):
    assert next_month(day) == following
    assert next_month(day) - timedelta(days=1) >= day
