"""Claims on their way to an agency and back, by a person in a real browser: desktop, phone, German."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from wagtail.users.models import UserProfile

from cms_billing.core import clock
from cms_billing.core.roles import ACCOUNTANTS
from cms_billing.dunning.models import Agency, HandOver, HandOverClaim, StatusFile
from cms_billing.dunning.services import create_default_procedure, hand_over
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, UserFactory
from tests.dunning.collection import agency_of, document_of, ready_cases, work

from .conftest import DESKTOP, PHONE
from .test_desk import log_in, tall

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def today():
    with clock.frozen(datetime(2026, 3, 12, 10, tzinfo=UTC)):
        yield


@pytest.fixture
def cases(live_server):
    issuer = IssuerFactory(name="Akademie am See")
    create_default_procedure(issuer)
    names = (("Zoë", "Müller-Łukasz"), ("Anna", "Berg"), ("Otto", "Kahn"))
    customers = [
        CustomerFactory(issuer=issuer, first_name=first, last_name=last, street="Hauptstraße 12a")
        for first, last in names
    ]
    made = ready_cases(*customers)
    group = Group.objects.get(name=ACCOUNTANTS.group)
    UserFactory(username="accountant").groups.add(group)
    issuer.groups.add(group)
    return made


@pytest.fixture
def agency(cases) -> Agency:
    return agency_of(
        cases[0].issuer,
        name="Inkasso Nord GmbH",
        is_default=True,
        street="Kaiweg 3",
        postal_code="20457",
        city="Hamburg",
        email="post@nord.example",
    )


def look(page, screenshot, name: str) -> None:
    tall(page)
    screenshot(page, name)
    page.set_viewport_size(DESKTOP["viewport"])


def test_the_way_to_the_agency_and_back(open_window, cases, agency, screenshot):
    page = open_window(**DESKTOP, accept_downloads=True)
    log_in(page)
    page.goto(reverse("billing-collection-ready:index"))
    look(page, screenshot, "collection-ready")
    for case in cases:
        page.locator(f"input[data-bulk-action-checkbox][data-object-id='{case.pk}']").check()
    page.get_by_role("link", name="Hand the selected claims over to an agency").click()
    page.wait_for_selector("[name=agency]")
    look(page, screenshot, "collection-release")
    page.get_by_role("button", name="Hand over").click()
    page.wait_for_selector("text=3 claims are handed over")
    work()
    made = HandOver.objects.get()
    page.goto(reverse("billing-hand-over:inspect", args=[made.pk]))
    look(page, screenshot, "collection-hand-over")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the file").click()
    names = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())).namelist()
    assert f"{made.reference}.csv" in names
    page.goto(reverse("billing-agency:import", args=[agency.pk]))
    number = document_of(cases[0]).number
    text = (
        "Uebergabe_ID;Belegnummer;Status;Gezahlt;Kosten;Datum;Bemerkung\n"
        f"{made.reference};{number};bezahlt;49,00;;10.03.2026;in full\n"
        f"{made.reference};RE-1999-1;bezahlt;5,00;;;unknown\n"
    )
    page.set_input_files(
        "input[type=file]", {"name": "status.csv", "mimeType": "text/csv", "buffer": text.encode()}
    )
    look(page, screenshot, "collection-upload")
    page.get_by_role("button", name="Read the file").click()
    page.wait_for_url(re.compile("billing-status-file"))
    look(page, screenshot, "collection-status-file")
    page.goto(reverse("billing-status-file:apply", args=[StatusFile.objects.get().pk]))
    page.get_by_role("button", name="Apply").click()
    page.wait_for_selector("text=1 line is applied")
    claim = HandOverClaim.objects.order_by("position")[1]
    page.goto(reverse("billing-agency-claim:recall", args=[claim.pk]))
    page.fill("[name=reason]", "Settled by phone")
    look(page, screenshot, "collection-recall")
    page.get_by_role("button", name="Recall").click()
    page.wait_for_selector("text=is recalled")
    look(page, screenshot, "collection-claim")
    assert HandOverClaim.objects.order_by("position").first().status == "paid"


@pytest.mark.parametrize(
    "window",
    [("desktop", DESKTOP, "de"), ("phone", PHONE, "de"), ("desktop", DESKTOP, "en")],
    ids=["desktop-de", "phone-de", "desktop-en"],
)
def test_pages_fit_the_window(open_window, cases, agency, screenshot, window):
    name, options, language = window
    hand_over(case_ids=[case.pk for case in cases[:2]], agency_id=agency.pk, today=clock.today(agency.issuer))
    work()
    claim = HandOverClaim.objects.first()
    accountant = Group.objects.get(name=ACCOUNTANTS.group).user_set.get()
    UserProfile.objects.update_or_create(user=accountant, defaults={"preferred_language": language})
    page = open_window(**options)
    log_in(page)
    for what, url in {
        "ready": reverse("billing-collection-ready:index"),
        "agencies": reverse("billing-agency:index"),
        "agency": reverse("billing-agency:inspect", args=[agency.pk]),
        "agency-form": reverse("billing-agency:edit", args=[agency.pk]),
        "hand-overs": reverse("billing-hand-over:index"),
        "hand-over": reverse("billing-hand-over:inspect", args=[claim.hand_over_id]),
        "claims": reverse("billing-agency-claim:index"),
        "claim": reverse("billing-agency-claim:inspect", args=[claim.pk]),
        "status-files": reverse("billing-status-file:index"),
    }.items():
        assert page.goto(url).status == 200
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 1, what
        if name == "desktop":
            tall(page)
        screenshot(page, f"collection-{what}-{name}-{language}")
        page.set_viewport_size(options["viewport"])
