"""The groups a site starts with, and that nobody's own changes to them are undone."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from cms_billing.core.roles import ROLES, create_groups

pytestmark = pytest.mark.django_db


def codenames(group: str) -> set[str]:
    return set(Group.objects.get(name=group).permissions.values_list("codename", flat=True))


def test_auditors_only_view():
    assert {name for name in codenames("Billing auditors") if not name.startswith("view_")} == {
        "access_admin"
    }


def test_editors_have_nothing_to_do_with_money_and_numbers():
    forbidden = {
        "record_payment",
        "cancel_document",
        "charge_back_payment",
        "change_issuer",
        "change_numberseries",
    }
    assert not codenames("Billing editors") & forbidden
    assert forbidden <= codenames("Billing accountants")


@pytest.mark.parametrize("group", ["Billing editors", "Billing accountants"])
def test_whoever_adds_customers_and_contracts_may_import_them(group):
    assert {"add_customer", "add_contract", "import_contracts"} <= codenames(group)
    assert "import_contracts" not in codenames("Billing auditors")


def test_what_an_administrator_took_away_stays_away():
    group = Group.objects.get(name="Billing editors")
    group.permissions.remove(*Permission.objects.filter(codename="add_contract"))
    create_groups()
    assert "add_contract" not in codenames("Billing editors")


def test_permissions_of_a_new_version_are_given_to_the_groups():
    Permission.objects.filter(codename="record_payment").delete()
    create_groups()
    assert "record_payment" in codenames("Billing accountants")
    assert "record_payment" not in codenames("Billing auditors")


def test_deleted_group_is_made_again():
    Group.objects.filter(name__in=[role.group for role in ROLES]).delete()
    create_groups()
    assert "view_document" in codenames("Billing auditors")


def test_permissions_are_offered_in_wagtails_group_settings(admin_client):
    page = admin_client.get(reverse("wagtailusers_groups:add")).content.decode()
    wanted = ["record_payment", "cancel_document", "start_run", "view_openitem", "view_numberseries"]
    for permission in Permission.objects.filter(codename__in=wanted):
        assert f'value="{permission.pk}"' in page, permission
