"""Issued means frozen: for our own code, for the ORM's shortcuts, and for whoever speaks SQL."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from cms_billing.core.exceptions import FrozenRecord
from cms_billing.faktura.models import (
    ArchiveRecord,
    Document,
    DocumentLine,
    IssuerSnapshot,
    LedgerEntry,
    TaxGroup,
)
from cms_billing.testing.factories import CustomerFactory

from .documents import archived, issue

ROOT = Path(__file__).resolve().parent.parent.parent
FROZEN = [
    (Document, "number", "'RE-1'"),
    (Document, "gross_minor", "gross_minor"),
    (Document, "state", "'draft'"),
    (DocumentLine, "description", "'free'"),
    (TaxGroup, "notice", "'x'"),
    (LedgerEntry, "amount_minor", "0"),
    (IssuerSnapshot, "sha256", "'x'"),
    (ArchiveRecord, "sha256", "'x'"),
]
MODELS = [Document, DocumentLine, TaxGroup, LedgerEntry, IssuerSnapshot, ArchiveRecord]


def sql(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "column", "value"), FROZEN)
def test_sql_cannot_change_what_was_issued(model, column, value):
    archived()
    with pytest.raises(DatabaseError, match="is frozen"):
        sql(f'UPDATE "{model._meta.db_table}" SET {column} = {value}')


@pytest.mark.django_db
@pytest.mark.parametrize("model", MODELS)
def test_sql_cannot_delete_what_was_issued(model):
    archived()
    with pytest.raises(DatabaseError, match="is frozen"):
        sql(f'DELETE FROM "{model._meta.db_table}"')


@pytest.mark.django_db
@pytest.mark.parametrize("model", MODELS)
def test_queryset_update_is_stopped_by_the_database(model):
    archived()
    with pytest.raises(DatabaseError, match="is frozen"), transaction.atomic():
        model.objects.update(id=0)


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Document, LedgerEntry, IssuerSnapshot, ArchiveRecord])
def test_our_own_code_gets_a_sentence(model):
    archived()
    row = model.objects.get()
    with pytest.raises(FrozenRecord, match="cannot be changed any more"):
        row.save()
    with pytest.raises(FrozenRecord, match="cannot be deleted"):
        row.delete()
    with pytest.raises(FrozenRecord):
        model.objects.all().delete()


@pytest.mark.django_db
def test_no_line_can_be_added_to_an_issued_document():
    line = issue().lines.get()
    line.pk, line.position = None, 2
    with pytest.raises(DatabaseError, match="is frozen"), transaction.atomic():
        line.save(force_insert=True)


@pytest.mark.django_db
def test_bulk_update_is_stopped():
    document = issue()
    document.gross_minor = 1
    with pytest.raises((DatabaseError, FrozenRecord)), transaction.atomic():
        Document.objects.bulk_update([document], ["gross_minor"])


@pytest.mark.django_db
def test_a_draft_may_change_and_go():
    customer = CustomerFactory()
    draft = Document.objects.create(issuer=customer.issuer, customer=customer, kind="invoice", currency="EUR")
    draft.currency = "CHF"
    draft.save()
    draft.delete()
    assert not Document.objects.exists()


WITHOUT_MIGRATIONS = """
import django
from django.conf import settings
django.setup()
from django.apps import apps
settings.MIGRATION_MODULES = {config.label: None for config in apps.get_app_configs() if config.models_module}
from django.core.management import call_command
call_command("migrate", run_syncdb=True, verbosity=0, interactive=False, skip_checks=True)
from django.db import DatabaseError, connection
from tests.faktura.documents import archived
from tests.faktura.test_frozen import MODELS, sql
archived()
for model in MODELS:
    for statement in ('DELETE FROM "{}"', 'UPDATE "{}" SET id = id'):
        try:
            sql(statement.format(model._meta.db_table))
        except DatabaseError as error:
            assert "is frozen" in str(error), error
        else:
            raise SystemExit(f"{model} is not frozen")
print("frozen")
"""


@pytest.mark.slow
def test_tables_freeze_too_where_the_schema_is_built_without_migrations(tmp_path):
    """As test runners with ``--nomigrations`` do it."""
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_MIGRATIONS],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTHONPATH": str(ROOT),
            "CMS_BILLING_TEST_DB": "sqlite",
            "CMS_BILLING_TEST_DB_NAME": str(tmp_path / "scratch.sqlite3"),
            "CMS_BILLING_TEST_FILES": str(tmp_path),
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.strip() == "frozen", result.stderr
