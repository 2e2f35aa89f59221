"""Base rates: shipped, entered by people, and missed on the to-do list."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.dunning.models import BaseRate
from cms_billing.testing.factories import UserFactory

pytestmark = pytest.mark.django_db
NEW = {"valid_from": "2026-07-01", "percent": "1.52", "source": "Bundesbank"}


def login(client, *codes: str):
    user = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=["access_admin", *codes]))
    client.force_login(user)
    return user


def test_the_history_is_there() -> None:
    assert BaseRate.objects.filter(valid_from__lte=date(2020, 5, 1)).first().percent == Decimal("-0.88")
    assert BaseRate.objects.first().valid_from == date(2026, 1, 1)


def test_a_rate_is_entered_on_a_day_it_can_change(client) -> None:
    login(client, "add_baserate", "view_baserate")
    url = reverse("billing-base-rate:add")
    assert client.post(url, {**NEW, "valid_from": "2026-08-01"}).status_code == 200
    assert client.post(url, NEW).status_code == 302
    assert BaseRate.objects.get(valid_from=date(2026, 7, 1)).percent == Decimal("1.52")
    assert "2026" in client.get(reverse("billing-base-rate:index")).content.decode()


def test_nobody_enters_a_rate_without_the_permission(client) -> None:
    login(client, "view_baserate")
    client.post(reverse("billing-base-rate:add"), NEW)
    assert not BaseRate.objects.filter(valid_from=date(2026, 7, 1)).exists()


@pytest.mark.usefixtures("procedure")
def test_the_to_do_list_says_when_the_running_half_year_is_missing(client) -> None:
    user = UserFactory(is_superuser=True)
    client.force_login(user)
    url = reverse("billing_todo")
    said = "The base rate of this half-year is not known."
    with clock.frozen(datetime(2026, 7, 2, 10, tzinfo=UTC)):
        assert said in client.get(url).content.decode()
        BaseRate.objects.create(valid_from=date(2026, 7, 1), percent=Decimal("1.52"))
        assert said not in client.get(url).content.decode()
    with clock.frozen(datetime(2026, 6, 30, 10, tzinfo=UTC)):
        assert said not in client.get(url).content.decode()
