"""Pages that members give away: limited, signed, taken back, and never more than the giver has."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from wagtail.models import PageViewRestriction

from cms_billing.core import clock
from cms_billing.memberships.models import Contract
from cms_billing.paywall.models import GiftLink
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.sharing import services, tokens
from cms_billing.paywall.terms import OpensTo, Preview, RuleTerms
from cms_billing.testing.factories import UserFactory
from tests.testsite.models import ArticlePage

from .conftest import SECRET, TODAY, client_of, in_dunning, member

NOW = datetime(2026, 3, 31, 9, 0, tzinfo=UTC)
# What a browser says when a person follows a link.
FOLLOWS = {"headers": {"Sec-Fetch-Mode": "navigate"}}


@pytest.fixture
def giving(magazine):
    """Members give away two pages of the magazine a month."""
    set_rule(page=magazine.section, plans=[magazine.plan], terms=RuleTerms(gifts=2))
    return magazine


@pytest.fixture
def giver(giving):
    user, _contract = member(giving.plan)
    return user


def gift(giver, page, **facts) -> tuple[GiftLink, str]:
    link, token = services.create_gift(giver=giver, page=page, today=TODAY, now=NOW)
    if facts:
        GiftLink.objects.filter(pk=link.pk).update(**facts)
        link.refresh_from_db()
    return link, reverse("cms_billing:open_gift", args=[token])


def reads(client: Client, page) -> bool:
    return SECRET in client.get(page.url).content.decode()


def is_over(answer) -> bool:
    return answer.status_code == 302 and answer.url == reverse("cms_billing:gift_over")


# -- opening ------------------------------------------------------------------------------------------------------


def test_following_the_link_opens_the_page_for_who_followed_it(giver, giving, client):
    link, url = gift(giver, giving.article)

    answer = client.get(url, **FOLLOWS)

    assert answer.url == giving.article.url
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    page = client.get(giving.article.url)
    assert SECRET in page.content.decode()
    assert page.context["paywall_decision"].reason == "gift"
    assert page["Cache-Control"] == "private, no-store"
    assert not reads(Client(), giving.article)
    link.refresh_from_db()
    assert (link.openings, link.last_opened_at) == (1, NOW)


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("head", {"Sec-Fetch-Mode": "navigate"}),
        ("get", {}),
        ("get", {"Sec-Fetch-Mode": "navigate", "Sec-Purpose": "prefetch"}),
        ("get", {"Sec-Fetch-Mode": "no-cors"}),
        ("options", {}),
    ],
)
def test_what_only_looks_uses_no_opening(giver, giving, client, method, headers):
    link, url = gift(giver, giving.article)

    answer = getattr(client, method)(url, headers=headers)

    assert SECRET not in answer.content.decode()
    assert not answer.cookies
    link.refresh_from_db()
    assert link.openings == 0


def test_who_comes_without_the_browsers_word_presses_a_button(giver, giving, client):
    _link, url = gift(giver, giving.article)
    assert "Read it" in client.get(url).content.decode()

    assert client.post(url).url == giving.article.url

    assert reads(client, giving.article)


def test_opening_it_again_on_the_same_device_costs_nothing(giver, giving, client):
    link, url = gift(giver, giving.article)

    for _time in range(3):
        assert client.get(url, **FOLLOWS).url == giving.article.url

    link.refresh_from_db()
    assert link.openings == 1


def test_who_may_read_anyway_uses_no_opening(giver, giving):
    link, url = gift(giver, giving.article)
    other, _contract = member(giving.plan)

    for reader in (giver, other):
        assert client_of(reader).get(url, **FOLLOWS).url == giving.article.url

    link.refresh_from_db()
    assert link.openings == 0


def test_so_many_may_open_it_and_no_more(giver, giving):
    _link, url = gift(giver, giving.article, max_openings=2)
    first, second, third = Client(), Client(), Client()
    first.get(url, **FOLLOWS)
    second.get(url, **FOLLOWS)

    assert is_over(third.get(url, **FOLLOWS))
    assert reads(first, giving.article)
    assert reads(second, giving.article)
    assert not reads(third, giving.article)


def test_it_expires_for_new_readers_and_old(giver, giving, client):
    link, url = gift(giver, giving.article)
    client.get(url, **FOLLOWS)
    last = link.expires_on
    assert last == TODAY + timedelta(days=14)

    with clock.frozen(datetime(last.year, last.month, last.day, 9, 0, tzinfo=UTC)):
        assert reads(client, giving.article)
    with clock.frozen(datetime(last.year, last.month, last.day, 9, 0, tzinfo=UTC) + timedelta(days=1)):
        assert not reads(client, giving.article)
        assert is_over(Client().get(url, **FOLLOWS))


def test_the_cookie_of_a_gift_opens_no_other_page(giver, giving, client):
    other = giving.section.add_child(instance=ArticlePage(title="Other", slug="other", body=SECRET))
    _link, url = gift(giver, giving.article)
    client.get(url, **FOLLOWS)
    value = client.cookies[f"cms_billing_pass_gift_{giving.article.pk}"].value
    client.cookies[f"cms_billing_pass_gift_{other.pk}"] = value

    assert not reads(client, other)


@pytest.mark.parametrize("token", ["x", "a" * 43, "%2e%2e", "0"])
def test_a_made_up_token_is_over_like_any_other(giver, giving, client, token):
    gift(giver, giving.article)

    assert is_over(client.get(f"/billing/gift/{token}/", **FOLLOWS))
    assert client.get(reverse("cms_billing:gift_over")).status_code == 404


def test_an_altered_token_is_over(giver, giving, client):
    _link, url = gift(giver, giving.article)
    altered = url[:-2] + ("A" if url[-2] != "A" else "B") + "/"

    assert is_over(client.get(altered, **FOLLOWS))


# -- a link gives what its giver has ------------------------------------------------------------------------------


def test_it_sleeps_while_the_giver_is_locked_and_wakes_with_the_payment(giver, giving, client):
    _link, url = gift(giver, giving.article)
    client.get(url, **FOLLOWS)
    case = in_dunning(Contract.objects.get(), level=3, locked=True)

    assert not reads(client, giving.article)
    assert is_over(Client().get(url, **FOLLOWS))

    case.delete()
    assert reads(client, giving.article)


def test_it_ends_with_the_contract(giver, giving, client):
    _link, url = gift(giver, giving.article)
    client.get(url, **FOLLOWS)
    Contract.objects.update(end=date(2026, 3, 30))

    assert not reads(client, giving.article)


def test_it_ends_with_the_givers_account(giver, giving, client):
    _link, url = gift(giver, giving.article)
    client.get(url, **FOLLOWS)
    giver.is_active = False
    giver.save()

    assert not reads(client, giving.article)


def test_it_does_not_open_a_page_that_is_not_live(giver, giving, client):
    _link, url = gift(giver, giving.article)
    giving.article.unpublish()

    assert is_over(client.get(url, **FOLLOWS))


# -- giving -------------------------------------------------------------------------------------------------------


def test_a_member_gives_two_pages_a_month_and_not_a_third(giver, giving):
    gift(giver, giving.article)
    link, _url = gift(giver, giving.article)
    services.revoke_gift(link=link, user=giver, now=NOW)

    with pytest.raises(services.GiftsUsedUp):
        gift(giver, giving.article)

    services.create_gift(giver=giver, page=giving.article, today=date(2026, 4, 1), now=NOW)


@pytest.mark.parametrize("who", ["guest read", "no plan", "superuser", "no gifts"])
def test_who_may_not_give(giving, giver, who):
    user = UserFactory(is_superuser=who == "superuser")
    if who == "no gifts":
        user = giver
        set_rule(page=giving.section, plans=[giving.plan], terms=RuleTerms())
    if who == "guest read":
        set_rule(page=giving.section, plans=[giving.plan], terms=RuleTerms(gifts=2, quota=2))

    with pytest.raises(services.CannotGive):
        gift(user, giving.article)


def test_the_button_is_for_those_who_may_give(giver, giving):
    def button(user) -> bool:
        page = client_of(user).get(giving.article.url).content.decode()
        return reverse("cms_billing:create_gift", args=[giving.article.pk]) in page

    assert button(giver)
    assert not button(UserFactory(is_superuser=True))


def test_giving_from_the_page_leads_to_the_link(giver, giving, client):
    me = client_of(giver)

    answer = me.post(reverse("cms_billing:create_gift", args=[giving.article.pk]), follow=True)

    token = tokens.token_of(GiftLink.objects.get())
    assert f"http://testserver/billing/gift/{token}/" in answer.content.decode()
    assert "Not opened yet" in answer.content.decode()
    assert client.get(f"/billing/gift/{token}/", **FOLLOWS).url == giving.article.url


def test_a_link_may_be_copied_again_while_its_key_is_known(giver, giving, settings):
    link, _url = gift(giver, giving.article)
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another"

    assert tokens.token_of(link) == ""

    settings.SECRET_KEY_FALLBACKS = [old]
    assert tokens.digest_of(tokens.token_of(link)) == link.digest


def test_the_giver_takes_it_back(giver, giving, client):
    link, url = gift(giver, giving.article)
    client.get(url, **FOLLOWS)

    client_of(giver).post(reverse("cms_billing:revoke_gift", args=[link.pk]))

    assert not reads(client, giving.article)
    assert is_over(Client().get(url, **FOLLOWS))
    link.refresh_from_db()
    assert (link.revoked_by, link.revoked_at) == (giver, NOW)


def test_the_neighbours_link_is_neither_seen_nor_taken_back(giver, giving):
    link, url = gift(giver, giving.article)
    neighbour, _contract = member(giving.plan)
    client = client_of(neighbour)

    assert client.post(reverse("cms_billing:revoke_gift", args=[link.pk])).status_code == 404
    assert url not in client.get(reverse("cms_billing:account_gifts")).content.decode()
    link.refresh_from_db()
    assert link.revoked_at is None


def test_guests_give_and_take_back_nothing(giver, giving, client):
    link, _url = gift(giver, giving.article)

    for url in (
        reverse("cms_billing:revoke_gift", args=[link.pk]),
        reverse("cms_billing:create_gift", args=[giving.article.pk]),
    ):
        assert "login" in client.post(url).url


def test_the_forms_of_members_want_a_token(giver, giving):
    client = Client(enforce_csrf_checks=True)
    client.force_login(giver, backend="django.contrib.auth.backends.ModelBackend")

    assert client.post(reverse("cms_billing:create_gift", args=[giving.article.pk])).status_code == 403
    assert not GiftLink.objects.exists()


# -- secrets ------------------------------------------------------------------------------------------------------


def test_the_token_is_in_no_log_and_not_in_the_database(giver, giving, client, caplog):
    link, url = gift(giver, giving.article)
    token = url.split("/")[-2]
    services.revoke_gift(link=link, user=giver, now=NOW)
    with caplog.at_level(logging.DEBUG):
        client.get(url, **FOLLOWS)
        client.delete(url)
        client.get(reverse("cms_billing:gift_over"))

    assert token not in caplog.text
    assert token not in {str(value) for value in vars(GiftLink.objects.get()).values()}


# -- at once ------------------------------------------------------------------------------------------------------


def at_once(count: int, action) -> list[str]:
    barrier, answers = Barrier(count), []

    def one(number: int) -> None:
        barrier.wait()
        try:
            action(number)
            answers.append("done")
        except (services.GiftIsOver, services.GiftsUsedUp):
            answers.append("over")
        finally:
            connection.close()

    threads = [Thread(target=one, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(answers)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_ten_friends_at_once_are_five(giver, giving):
    link, _url = gift(giver, giving.article)

    answers = at_once(10, lambda _n: services.open_gift(link=link, page=giving.article, today=TODAY, now=NOW))

    assert answers == ["done"] * 5 + ["over"] * 5
    link.refresh_from_db()
    assert link.openings == 5


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_ten_links_at_once_are_two(giver, giving):
    answers = at_once(
        10,
        lambda _n: services.create_gift(giver=giver, page=giving.article, today=TODAY, now=NOW),
    )

    assert answers == ["done"] * 2 + ["over"] * 8
    assert GiftLink.objects.count() == 2


def test_the_database_counts_too(giver, giving):
    link, _url = gift(giver, giving.article)

    with pytest.raises(IntegrityError), transaction.atomic():
        GiftLink.objects.update(openings=6)
    with pytest.raises(IntegrityError), transaction.atomic():
        GiftLink.objects.create(
            giver=giver, page=giving.article, section=giving.section, month=link.month, number=1,
            digest="d", created_at=NOW, expires_on=TODAY, max_openings=1,
        )  # fmt: skip


# -- editors ------------------------------------------------------------------------------------------------------


def test_editors_see_filter_and_take_back_many(giver, giving, client):
    first, _url = gift(giver, giving.article)
    second, _url = gift(giver, giving.article, expires_on=date(2026, 3, 1))
    editor = UserFactory(is_staff=True, is_superuser=True)
    admin = client_of(editor)
    index = reverse("billing-gift-links:index")

    assert len(admin.get(index).context["object_list"]) == 2
    assert [row.pk for row in admin.get(index, {"state": "works"}).context["object_list"]] == [first.pk]
    assert [row.pk for row in admin.get(index, {"state": "over"}).context["object_list"]] == [second.pk]
    assert admin.get(reverse("billing-gift-links:inspect", args=[first.pk])).status_code == 200
    bulk = reverse("wagtail_bulk_action", args=["cms_billing_paywall", "giftlink", "take_back"])
    admin.post(bulk, {"ids": f"{first.pk},{second.pk}"})

    assert set(GiftLink.objects.values_list("revoked_by", flat=True)) == {editor.pk}


def test_editors_of_other_pages_see_none(giver, giving):
    from django.contrib.auth.models import Permission

    gift(giver, giving.article)
    user = UserFactory(is_staff=True)
    user.user_permissions.add(
        *Permission.objects.filter(codename__in=["access_admin", "view_giftlink", "revoke_giftlink"])
    )

    page = client_of(user).get(reverse("billing-gift-links:index"))

    assert page.status_code == 200
    assert not page.context["object_list"]


def test_old_links_are_forgotten_a_year_after_their_last_day(giver, giving):
    link, _url = gift(giver, giving.article)

    services.forget_old(today=link.expires_on + timedelta(days=366))
    assert GiftLink.objects.exists()
    services.forget_old(today=link.expires_on + timedelta(days=367))
    assert not GiftLink.objects.exists()


# -- pages that Wagtail keeps private -----------------------------------------------------------------------------


def test_what_wagtail_keeps_private_is_not_named_to_strangers(giver, giving, client):
    set_rule(page=giving.section, plans=[giving.plan], terms=RuleTerms(gifts=2, quota=2))
    _link, url = gift(giver, giving.article)
    PageViewRestriction.objects.create(
        page=giving.section, restriction_type=PageViewRestriction.PASSWORD, password="open sesame"
    )
    free = reverse("cms_billing:read_free", args=[giving.article.pk])
    give = reverse("cms_billing:create_gift", args=[giving.article.pk])

    assert client.post(free, headers={"Origin": "http://testserver"}).status_code == 404
    assert client_of(giver).post(give).status_code == 404
    for headers in ({}, {"Sec-Fetch-Mode": "navigate"}):
        assert is_over(client.get(url, headers=headers))


def test_gifts_are_counted_where_they_are_granted(giver, giving):
    """A rule that sets a quota of its own still gives from the section's gifts; one with gifts of its own does not."""
    articles = [
        giving.section.add_child(instance=ArticlePage(title=title, slug=title)) for title in ("one", "two")
    ]
    refines = RuleTerms(opens_to=OpensTo.SECTION, preview=Preview.SECTION)
    set_rule(page=articles[0], terms=replace(refines, quota=5))
    set_rule(page=articles[1], terms=replace(refines, gifts=1))
    links = [gift(giver, page)[0] for page in (giving.article, articles[0], articles[1])]
    assert [link.section_id for link in links] == [giving.section.pk, giving.section.pk, articles[1].pk]
    with pytest.raises(services.GiftsUsedUp):
        gift(giver, articles[0])
