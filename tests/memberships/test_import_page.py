"""Billing › Contracts › Import: upload, trial, confirm; only for those who may, only for their issuers."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from cms_billing.core import clock
from cms_billing.memberships import views_import
from cms_billing.memberships.models import Contract, ContractFile
from cms_billing.testing.factories import IssuerFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(issuer):
    """May import, for one issuer."""
    group = Group.objects.create(name="Importers")
    group.permissions.set(
        Permission.objects.filter(codename__in=["access_admin", "import_contracts", "view_contract"])
    )
    issuer.groups.add(group)
    user = UserFactory()
    user.groups.add(group)
    return user


@pytest.fixture
def as_editor(client, editor):
    client.force_login(editor)
    return client


def upload(client, issuer, data: bytes):
    file = SimpleUploadedFile("verträge.csv", data, content_type="text/csv")
    return client.post(reverse("billing-contract:import"), {"issuer": issuer.pk, "file": file})


def test_upload_shows_the_trial_and_the_button_imports(as_editor, issuer, csv_file):
    answer = upload(as_editor, issuer, csv_file({"next_due": "none"}))
    file = ContractFile.objects.get()
    assert answer.url == reverse("billing-contract:import_file", args=[file.pk])
    page = as_editor.get(answer.url).content.decode()
    assert f"1 new contract for {issuer}." in " ".join(page.split())
    assert "€9.90" in page
    assert not Contract.objects.exists()
    assert as_editor.post(answer.url).status_code == 302
    assert Contract.objects.get().number == "V-1"
    file.refresh_from_db()
    assert (bytes(file.data), file.contracts, file.imported_at is not None) == (b"", 1, True)
    as_editor.post(answer.url)
    assert Contract.objects.count() == 1


def test_problems_are_listed_and_good_lines_need_a_tick(as_editor, issuer, csv_file):
    data = csv_file({"next_due": "none"}, {"contract_number": "V-2", "price": "-1", "next_due": "none"})
    url = upload(as_editor, issuer, data).url
    page = as_editor.get(url).content.decode()
    assert "A price cannot be negative: -1." in page
    assert "1 line cannot be imported as it is." in page
    assert as_editor.post(url).status_code == 200
    assert not Contract.objects.exists()
    as_editor.post(url, {"only_good": "on"})
    assert Contract.objects.get().number == "V-1"


def test_file_that_is_no_csv_is_refused_on_the_form(as_editor, issuer):
    page = upload(as_editor, issuer, b"PK\x03\x04...").content.decode()
    assert "This is a spreadsheet, not a CSV file." in page
    assert not ContractFile.objects.exists()


def test_too_large_a_file_is_refused(as_editor, issuer, csv_file, monkeypatch):
    monkeypatch.setattr(views_import, "LARGEST_UPLOAD", 10)
    assert "Split it" in upload(as_editor, issuer, csv_file({})).content.decode()


def test_markup_in_cells_is_shown_as_text(as_editor, issuer, csv_file):
    url = upload(as_editor, issuer, csv_file({"last_name": "<script>x", "price": "<b>1"})).url
    page = as_editor.get(url).content.decode()
    assert "<script>x" not in page
    assert "&lt;b&gt;1" in page


def test_neighbour_issuers_are_neither_offered_nor_shown(as_editor, issuer, csv_file):
    neighbour = IssuerFactory()
    assert upload(as_editor, neighbour, csv_file({})).status_code == 200
    assert not ContractFile.objects.exists()
    file = ContractFile.objects.create(issuer=neighbour, name="theirs.csv", data=csv_file({}), sha256="0")
    url = reverse("billing-contract:import_file", args=[file.pk])
    assert as_editor.get(url).status_code == 404
    assert as_editor.post(url).status_code == 404


def test_without_the_permission_nobody_gets_there(client, editor, issuer, csv_file):
    Group.objects.get(name="Importers").permissions.remove(
        Permission.objects.get(codename="import_contracts")
    )
    client.force_login(editor)
    file = ContractFile.objects.create(issuer=issuer, name="x.csv", data=csv_file({}), sha256="0")
    for url in (reverse("billing-contract:import"), reverse("billing-contract:import_file", args=[file.pk])):
        answer = client.post(url)
        assert answer.status_code in (302, 403)
    assert not Contract.objects.exists()


def test_uploads_nobody_confirmed_are_thrown_away_after_a_day(as_editor, issuer, csv_file):
    old = ContractFile.objects.create(
        issuer=issuer, name="x.csv", data=b"x", sha256="0", uploaded_at=clock.now() - timedelta(days=2)
    )
    upload(as_editor, issuer, csv_file({}))
    assert not ContractFile.objects.filter(pk=old.pk).exists()


def test_list_of_contracts_leads_to_the_import(as_editor):
    assert (
        reverse("billing-contract:import")
        in as_editor.get(reverse("billing-contract:index")).content.decode()
    )
