"""The banner on a copy, and the page where a person makes it the original."""

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from cms_billing.core import copies
from cms_billing.core.models import Installation
from cms_billing.daily.services import run_daily
from cms_billing.testing.factories import UserFactory

from .conftest import TODAY

BANNER, PAGE = reverse("billing_copy_banner"), reverse("billing_installation")
SCRIPT = "data-billing-copy-banner"


@pytest.fixture
def on_a_copy(db, settings) -> None:
    copies.installation()
    settings.CMS_BILLING = {**settings.CMS_BILLING, "SITE_URL": "https://staging.example.org"}
    cache.clear()


@pytest.fixture
def administrator(db) -> Client:
    client = Client()
    client.force_login(UserFactory(username="root", is_superuser=True, is_staff=True))
    return client


def text_of(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def test_pages_of_the_original_ask_for_no_banner(administrator):
    assert SCRIPT not in text_of(administrator.get(reverse("wagtailadmin_home")))
    assert text_of(administrator.get(BANNER)) == ""


def test_every_page_of_a_copy_asks_for_the_banner(on_a_copy, administrator):
    for name in ("wagtailadmin_home", "billing_todo", "wagtailadmin_explore_root", "billing_installation"):
        assert f'{SCRIPT}="{BANNER}"' in text_of(administrator.get(reverse(name))), name


def test_the_banner_says_what_waits_to_whoever_may_confirm(on_a_copy, administrator, ours):
    ours.failed.work_state = "pending"
    ours.failed.save()
    text = text_of(administrator.get(BANNER))
    assert "This is a copy of the billing database." in text
    assert "Deliveries 1" in text
    assert f'href="{PAGE}"' in text


def test_the_banner_tells_others_neither_figures_nor_the_way(on_a_copy, accountant, theirs):
    theirs.failed.work_state = "pending"
    theirs.failed.save()
    text = text_of(accountant.get(BANNER))
    assert "This is a copy of the billing database." in text
    assert "Waiting" not in text
    assert PAGE not in text


@pytest.mark.parametrize("address", [BANNER, PAGE])
def test_guests_are_sent_to_the_login(on_a_copy, client, address):
    response = client.get(address)
    assert response.status_code == 302
    assert response.url.startswith(reverse("wagtailadmin_login"))


def test_accountants_cannot_confirm(on_a_copy, accountant):
    for response in (accountant.get(PAGE), accountant.post(PAGE, {"original_is_silent": "on"})):
        assert response.status_code == 302
        assert response.url == reverse("wagtailadmin_home")
    assert copies.is_copy()


def test_the_permission_can_be_given(on_a_copy, accountant):
    accountant.user.user_permissions.add(Permission.objects.get(codename="confirm_installation"))
    assert "staging.example.org" in text_of(accountant.get(PAGE))


def test_the_permission_stands_among_those_of_a_group(administrator):
    text = text_of(administrator.get(reverse("wagtailusers_groups:add")))
    assert "Can confirm that this is no copy" in text


def test_the_page_says_what_differs_and_what_waits(on_a_copy, administrator, ours):
    ours.failed.work_state = "pending"
    ours.failed.save()
    text = text_of(administrator.get(PAGE))
    assert "testserver" in text
    assert "staging.example.org" in text
    assert "Deliveries" in text
    assert "If this stays a copy" in text
    assert "If the original has moved here" in text
    assert "Make this the original" in text


def test_confirming_needs_the_promise_that_the_original_is_silent(on_a_copy, administrator):
    assert "This field is required" in text_of(administrator.post(PAGE, {}))
    assert copies.is_copy()
    response = administrator.post(PAGE, {"original_is_silent": "on"}, follow=True)
    assert "This is the original now." in text_of(response)
    assert not copies.is_copy()
    assert Installation.objects.get().confirmed_by == "root"


def test_the_page_of_the_original_shows_its_fingerprint_and_no_button(administrator):
    text = text_of(administrator.get(PAGE))
    assert "This is the original" in text
    assert "testserver" in text
    assert "Make this the original" not in text


def test_the_page_of_a_run_says_that_nothing_went_out(on_a_copy, accountant, ours):
    run = run_daily(issuer=ours.issuer, today=TODAY)
    text = text_of(accountant.get(reverse("billing-dailyrun:inspect", args=[run.pk])))
    assert "nothing: made on a copy of the database" in text
