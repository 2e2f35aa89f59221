"""The groups a site starts with, and that nobody's own changes to them are undone."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from cms_billing.core.roles import ROLES, create_groups

pytestmark = pytest.mark.django_db


def codenames(group: str) -> set[str]:
    return set(Group.objects.get(name=group).permissions.values_list("codename", flat=True))


def test_auditors_only_view():
    assert {name for name in codenames("Auditors") if not name.startswith("view_")} == {"access_admin"}


def test_editors_have_nothing_to_do_with_money_and_numbers():
    forbidden = {
        "record_payment",
        "cancel_document",
        "charge_back_payment",
        "change_issuer",
        "change_numberseries",
    }
    assert not codenames("Billing editors") & forbidden
    assert forbidden <= codenames("Accountants")


@pytest.mark.parametrize("group", ["Billing editors", "Accountants"])
def test_whoever_adds_customers_and_contracts_may_import_them(group):
    assert {"add_customer", "add_contract", "import_contracts"} <= codenames(group)
    assert "import_contracts" not in codenames("Auditors")


def test_what_an_administrator_took_away_stays_away():
    group = Group.objects.get(name="Billing editors")
    group.permissions.remove(*Permission.objects.filter(codename="add_contract"))
    create_groups()
    assert "add_contract" not in codenames("Billing editors")


def test_permissions_of_a_new_version_are_given_to_the_groups():
    Permission.objects.filter(codename="record_payment").delete()
    create_groups()
    assert "record_payment" in codenames("Accountants")
    assert "record_payment" not in codenames("Auditors")


def test_deleted_group_is_made_again():
    Group.objects.filter(name__in=[role.group for role in ROLES]).delete()
    create_groups()
    assert "view_document" in codenames("Auditors")


def test_permissions_are_offered_in_wagtails_group_settings(admin_client):
    page = admin_client.get(reverse("wagtailusers_groups:add")).content.decode()
    wanted = ["record_payment", "cancel_document", "start_run", "view_openitem", "view_numberseries"]
    for permission in Permission.objects.filter(codename__in=wanted):
        assert f'value="{permission.pk}"' in page, permission


def test_groups_of_former_names_keep_their_people():
    Group.objects.filter(name="Accountants").delete()
    group = Group.objects.create(name="Billing accountants")
    create_groups()
    group.refresh_from_db()
    assert group.name == "Accountants"


def test_former_group_stays_where_the_new_name_is_taken():
    former = Group.objects.create(name="Billing auditors")
    create_groups()
    former.refresh_from_db()
    assert former.name == "Billing auditors"


def test_corrections_and_drafts_belong_to_those_who_answer_for_them():
    assert "draft_document" in codenames("Billing editors")
    money = {"credit_document", "finalise_document", "write_off_document", "start_invoicerun"}
    assert money <= codenames("Accountants")
    assert not money & codenames("Billing editors")
    assert "write_off_without_limit" not in codenames("Accountants")
