"""Billing › Leak checks: started, worked on by a worker, read."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from wagtail.models import Page, Site

from cms_billing.core import clock, outbox
from cms_billing.paywall.leakcheck import doors, runs
from cms_billing.paywall.models import LeakCheckRun
from cms_billing.paywall.services import set_rule
from cms_billing.testing.factories import PlanFactory, UserFactory
from tests.paywall.test_leakcheck import STRINGS, printing
from tests.testsite.models import ArticlePage

pytestmark = pytest.mark.django_db


@pytest.fixture
def few_doors(monkeypatch):
    few = {name: door for name, door in doors._doors.items() if name in ("page", "other page")}
    monkeypatch.setattr(doors, "_doors", few)


@pytest.fixture
def magazine(few_doors):
    home = Site.objects.get(is_default_site=True).root_page
    section = home.add_child(instance=ArticlePage(title="Magazine", slug="magazine", body=STRINGS))
    Page.objects.get(pk=home.pk).add_child(instance=ArticlePage(title="About us", slug="about"))
    set_rule(page=section, plans=[PlanFactory()])
    return section


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(UserFactory(is_superuser=True), backend="django.contrib.auth.backends.ModelBackend")
    return client


def work() -> None:
    outbox.drain(LeakCheckRun, now=clock.now())


def test_check_is_started_and_shows_what_it_found(boss, magazine, monkeypatch):
    monkeypatch.setattr(ArticlePage, "serve", printing(f"<p>{STRINGS}</p>"))
    assert "Nothing has been checked yet" in boss.get(reverse("billing-leakcheckrun:index")).content.decode()
    response = boss.post(reverse("billing-leakcheckrun:start"), {}, follow=True)
    assert "under way" in response.content.decode()
    run = LeakCheckRun.objects.get()
    work()
    run.refresh_from_db()
    assert run.work_state == "done"
    assert (run.leaks, run.asked, run.closed_pages) == (2, run.total, 1)
    text = boss.get(reverse("billing-leakcheckrun:inspect", args=[run.pk])).content.decode()
    assert "2 leaks" in text
    assert "http://localhost/about/" in text
    assert reverse("wagtailadmin_pages:edit", args=[magazine.pk]) in text
    assert reverse("billing-paywall:page_rule", args=[magazine.pk]) in text
    assert "wound strings lose their brightness" in text


def test_long_check_goes_on_in_the_next_task(magazine, monkeypatch):
    monkeypatch.setattr(runs, "SLICE_SECONDS", 0)
    doors._doors.pop("page")
    run = runs.start_leak_check()
    for _task in range(400):
        work()
        run.refresh_from_db()
        if run.work_state == "done":
            break
    assert run.work_state == "done"
    assert run.asked == run.total
    assert run.leaks == run.warnings == 0


def test_second_check_waits_for_the_first(boss, magazine):
    runs.start_leak_check()
    with pytest.raises(runs.CheckUnderWay):
        runs.start_leak_check()
    response = boss.post(reverse("billing-leakcheckrun:start"), {})
    assert "under way already" in response.content.decode()


def test_who_may_not_start_sees_no_button():
    client = Client()
    from django.contrib.auth.models import Group

    auditor = UserFactory()
    auditor.groups.add(Group.objects.get(name="Auditors"))
    client.force_login(auditor, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("billing-leakcheckrun:index"))
    assert page.status_code == 200
    assert reverse("billing-leakcheckrun:start") not in page.content.decode()
    assert client.get(reverse("billing-leakcheckrun:start")).status_code in (302, 403)
