"""The desk of dunning in a real browser: dashboard, list, a case, the preview; desktop, phone, dark, German."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import Group

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.core.roles import ACCOUNTANTS
from cms_billing.dunning.models import Case, Level
from cms_billing.dunning.services import create_default_procedure, stop_case
from cms_billing.testing.factories import CustomerFactory, IssuerFactory, UserFactory
from tests.dunning.conftest import invoice_due, pay, run

from .conftest import DESKTOP, PHONE
from .test_desk import log_in, tall, wide_enough

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# In which week which invoice is paid.
PAID = {2: 0, 5: 3, 8: 4, 11: 8}
NAMES = ["Schmidt", "Yılmaz", "Brandt-Lindqvist", "Petrov", "Weiß", "Nowak", "O'Neill", "Sørensen"]
LOOKS = [
    ("desktop", DESKTOP, ""),
    ("dark", {**DESKTOP, "color_scheme": "dark"}, "de"),
    ("phone", PHONE, "de"),
]


def at_nine(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


@pytest.fixture
def in_dunning(live_server) -> Case:
    """The quarter of a year that ends today: invoices due each week, some paid late, one case stopped. A case that
    locks is returned."""
    begin = clock.today() - timedelta(days=7 * 12 + 10)
    with clock.frozen(at_nine(begin)):
        issuer = IssuerFactory(name="Akademie am See", legal_name="Akademie am See gGmbH")
        procedure = create_default_procedure(issuer)
    Level.objects.filter(procedure=procedure, number=3).update(fee_minor=250)
    customers = [CustomerFactory(issuer=issuer, last_name=name) for name in NAMES]
    owed = []
    for week in range(13):
        day = begin + timedelta(days=7 * week)
        with clock.frozen(at_nine(day)):
            customer, amount = customers[week % 8], 4900 + 1300 * (week % 5)
            owed.append(invoice_due(customer, day, amount=amount, contract=f"V-{week % 8 + 1:03}"))
            run(issuer, day)
            if week in PAID:
                pay(owed[PAID[week]], day)
            if week == 9:
                pay(owed[5], day, amount=Money.of("20.00", "EUR"))
    group = Group.objects.get(name=ACCOUNTANTS.group)
    user = UserFactory(username="accountant")
    user.groups.add(group)
    issuer.groups.add(group)
    stop_case(case_id=Case.objects.live().order_by("-pk").first().pk, reason="Asked by phone", user=user)
    return Case.objects.locking().order_by("pk").first()


def speak(language: str) -> None:
    from wagtail.users.models import UserProfile

    from cms_billing.testing.factories import UserFactory

    user = UserFactory._meta.model.objects.get(username="accountant")
    profile = UserProfile.get_for_user(user)
    profile.preferred_language = language
    profile.save()


@pytest.mark.parametrize("look", LOOKS, ids=[name for name, _options, _language in LOOKS])
def test_the_desk_of_dunning(look, open_window, in_dunning, screenshot):
    name, options, language = look
    speak(language)
    page = open_window(**options)
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    log_in(page)
    page.goto("/admin/billing/dunning/")
    page.wait_for_function("window.Chart && Chart.getChart(document.querySelector('canvas'))")
    page.wait_for_timeout(1200)
    assert wide_enough(page)
    tall(page)
    page.wait_for_timeout(300)
    screenshot(page, f"dunning-dashboard-{name}")
    page.goto("/admin/billing-dunning/")
    assert wide_enough(page)
    screenshot(page, f"dunning-list-{name}")
    page.goto(f"/admin/billing-dunning/inspect/{in_dunning.pk}/")
    assert wide_enough(page)
    tall(page)
    screenshot(page, f"dunning-case-{name}")
    page.goto(f"/admin/billing-dunning/preview/?day={clock.today() + timedelta(days=7):%Y-%m-%d}")
    assert wide_enough(page)
    tall(page)
    screenshot(page, f"dunning-preview-{name}")
    assert complaints == []
