"""Accounts at providers in the admin: set up, tested, checked; and not one letter of a secret."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import checks
from django.urls import reverse

from cms_billing.core import clock, outbox
from cms_billing.payments.models import Payment, ProviderAccount
from cms_billing.payments.providers import AccountRefused, Probed, ProviderDown
from cms_billing.testing.factories import ProviderAccountFactory
from tests.payments.desk_provider import ANSWERS, listed

pytestmark = pytest.mark.django_db
KEY = "sk_test_VerySecret4242"


@pytest.fixture(autouse=True)
def desk_pay(settings):
    ANSWERS.reset()
    listed(settings, main={"SECRET_KEY": KEY}, other={"SECRET_KEY": KEY})


@pytest.fixture
def account(ours) -> ProviderAccount:
    return ProviderAccountFactory(issuer=ours.issuer, provider="desk", slug="main", title="Card")


def page(client, account) -> str:
    return client.get(reverse("billing-provideraccount:inspect", args=[account.pk])).content.decode()


def test_connection(client, account):
    return client.post(reverse("billing-provideraccount:test_connection", args=[account.pk]), follow=True)


test_connection.__test__ = False


def said(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def form(issuer, **changes) -> dict[str, object]:
    values = {
        "provider": "desk",
        "issuer": issuer.pk,
        "slug": "new",
        "title": "Card or debit",
        "is_active": "on",
        "kinds": ["card"],
        "chargeback_fee": "3.50",
        "requests_per_second": "20",
    }
    return {**values, **changes}


def test_provider_is_chosen_first_and_only_what_it_needs_is_asked(accountant):
    add = reverse("billing-provideraccount:add")
    assert "?provider=desk" in accountant.get(add).content.decode()
    html = accountant.get(add, {"provider": "desk"}).content.decode()
    assert 'value="sepa_debit"' in html
    assert 'name="merchant_account"' not in html


def test_account_is_added_with_kinds_and_fee(accountant, ours):
    answer = accountant.post(reverse("billing-provideraccount:add"), form(ours.issuer))
    assert answer.status_code == 302, answer.context["form"].errors
    account = ProviderAccount.objects.get(slug="new")
    assert (account.provider, account.kinds, account.chargeback_fee_minor) == ("desk", ["card"], 350)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"slug": "main"}, "slug"),
        ({"slug": "ä b"}, "slug"),
        ({"provider": "bank_transfer"}, "provider"),
        ({"kinds": ["gold"]}, "kinds"),
        ({"chargeback_fee": "-1"}, "chargeback_fee"),
        ({"requests_per_second": "0"}, "requests_per_second"),
    ],
)
def test_bad_entry_is_told_at_its_field(accountant, ours, account, changes, field):
    answer = accountant.post(reverse("billing-provideraccount:add"), form(ours.issuer, **changes))
    assert answer.status_code == 200
    assert field in answer.context["form"].errors
    assert ProviderAccount.objects.count() == 1


def test_account_of_a_neighbours_issuer_cannot_be_added(accountant, theirs):
    answer = accountant.post(reverse("billing-provideraccount:add"), form(theirs.issuer))
    assert "issuer" in answer.context["form"].errors


def test_short_name_stays_once_payments_exist(accountant, ours, account):
    Payment.objects.filter(pk=ours.payment.pk).update(account=account)
    url = reverse("billing-provideraccount:edit", args=[account.pk])
    assert accountant.post(url, form(ours.issuer, slug="renamed", title="Other")).status_code == 302
    account.refresh_from_db()
    assert (account.slug, account.title) == ("main", "Other")


def test_unused_account_may_get_another_short_name_but_no_other_provider(accountant, ours, account):
    url = reverse("billing-provideraccount:edit", args=[account.pk])
    accountant.post(url, form(ours.issuer, slug="renamed", provider="bank_transfer"))
    account.refresh_from_db()
    assert (account.slug, account.provider) == ("renamed", "desk")


def test_page_names_address_secrets_methods_and_events(accountant, account):
    html = page(accountant, account)
    assert "http://testserver/billing/webhooks/desk/main/" in html
    assert "CMS_BILLING_DESK_MAIN_SECRET_KEY" in html
    assert "not set, optional" in html
    assert "SEPA direct debit" in html
    assert "iDEAL" in html
    assert "payment.failed" in html


def test_no_page_shows_any_part_of_a_secret(accountant, account):
    ANSWERS.probed = AccountRefused(f"Invalid API key provided: {KEY}")
    html = test_connection(accountant, account).content.decode() + page(accountant, account)
    account.refresh_from_db()
    for part in (KEY, KEY[:12], KEY[-6:]):
        assert part not in html
        assert part not in account.problem


def test_connection_that_works_says_who_we_are(accountant, account):
    answer = test_connection(accountant, account)
    account.refresh_from_db()
    assert "“Muster GmbH” (test)" in said(answer)
    assert (account.problem, account.checked_at) == ("", clock.now())


@pytest.mark.parametrize(
    ("is_live", "answer", "expected"),
    [
        (True, Probed("Muster", is_live=False), "the key is a test key"),
        (False, Probed("Muster", is_live=True), "the key is a live key"),
        (False, AccountRefused("The provider does not know this key."), "does not know this key"),
        (False, ProviderDown("Desk Pay does not answer."), "does not answer"),
        (False, KeyError("https://key@api"), "could not be understood (KeyError)"),
    ],
)
def test_connection_that_fails_says_why_in_a_sentence(accountant, account, is_live, answer, expected):
    ProviderAccount.objects.filter(pk=account.pk).update(is_live=is_live)
    ANSWERS.probed = answer
    assert expected in said(test_connection(accountant, account))
    account.refresh_from_db()
    assert expected in account.problem
    assert account.problem_at == clock.now()


def test_missing_key_is_named_and_nobody_is_asked(accountant, account, settings):
    listed(settings)
    assert "CMS_BILLING_DESK_MAIN_SECRET_KEY" in said(test_connection(accountant, account))
    assert ANSWERS.asked == []


def test_impatient_person_asks_the_provider_once(accountant, account):
    test_connection(accountant, account)
    assert "tested just now" in said(test_connection(accountant, account))
    assert ANSWERS.asked == ["probe"]
    with clock.frozen(clock.now() + timedelta(seconds=11)):
        test_connection(accountant, account)
    assert ANSWERS.asked == ["probe", "probe"]


def test_connection_is_tested_by_post_and_by_those_who_may(accountant, editor, account):
    url = reverse("billing-provideraccount:test_connection", args=[account.pk])
    assert accountant.get(url).status_code == 405
    editor.post(url)
    assert ANSWERS.asked == []


def test_account_that_is_let_in_no_more_says_so_until_work_succeeds(ours, account):
    from cms_billing.payments.services import noting_problems

    Payment.objects.filter(pk=ours.payment.pk).update(account=account)

    def refuse(row):
        raise AccountRefused(f"The key {KEY} was withdrawn.")

    def payment():
        return Payment.objects.get(pk=ours.payment.pk)

    with pytest.raises(AccountRefused):
        noting_problems(refuse)(payment())
    account.refresh_from_db()
    assert account.problem == "The key ••• was withdrawn."
    asked = []
    with pytest.raises(AccountRefused):
        noting_problems(asked.append)(payment())
    assert asked == []
    with clock.frozen(clock.now() + timedelta(minutes=6)):
        noting_problems(lambda row: None)(payment())
    account.refresh_from_db()
    assert account.problem == ""
    assert outbox.registered()


def test_neighbours_account_is_on_no_page(accountant, ours, theirs):
    account = ProviderAccountFactory(
        issuer=theirs.issuer, provider="desk", slug="other", title="Secret rival"
    )
    for name in ("inspect", "edit", "delete", "history"):
        assert (
            accountant.get(reverse(f"billing-provideraccount:{name}", args=[account.pk])).status_code == 404
        )
    assert accountant.post(reverse("billing-provideraccount:edit", args=[account.pk])).status_code == 404
    assert test_connection(accountant, account).status_code == 404
    assert "Secret rival" not in accountant.get(reverse("billing-provideraccount:index")).content.decode()


def test_list_costs_the_same_with_more_accounts(accountant, ours, account, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    url = reverse("billing-provideraccount:index")
    accountant.get(url)
    with CaptureQueriesContext(connection) as few:
        accountant.get(url)
    for n in range(5):
        ProviderAccountFactory(issuer=ours.issuer, provider="desk", slug=f"more-{n}")
    with django_assert_max_num_queries(len(few)):
        accountant.get(url)


def found(tags=("database",), **kwargs) -> set[str]:
    messages = checks.run_checks(tags=tags, databases=["default"], **kwargs)
    return {message.id for message in messages if message.id and message.id > "cms_billing.W080"}


def test_checks_are_quiet_for_an_account_in_order(account):
    assert found() == set()


def test_checks_name_what_is_wrong_with_accounts(account, settings):
    ProviderAccount.objects.update(is_live=True)
    settings.DEBUG = True
    listed(settings)
    settings.CMS_BILLING = {**settings.CMS_BILLING, "SITE_URL": ""}
    assert found() == {"cms_billing.W082", "cms_billing.W083", "cms_billing.W085"}


def test_checks_name_unlisted_providers_and_test_accounts(account, settings):
    ProviderAccount.objects.update(provider="gone")
    assert found() == {"cms_billing.W081"}
    assert "cms_billing.W084" in found(include_deployment_checks=True)


def test_checks_are_quiet_without_a_database(account):
    ProviderAccount.objects.update(provider="gone")
    assert not [m for m in checks.run_checks(tags=["database"]) if m.id == "cms_billing.W081"]
