"""Searching parts of words in long lists: PostgreSQL's trigram indexes, made after migrate, and the hint without."""

from __future__ import annotations

import logging

import pytest
from django.db import connection

from cms_billing.core import text_search
from cms_billing.core.checks_site import long_lists_are_searched_fast
from cms_billing.faktura.models import Customer, Document

pytestmark = pytest.mark.django_db


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("rows", "column"),
    [(Document.objects, "recipient_name"), (Document.objects, "number"), (Customer.objects, "email")],
)
def test_parts_of_words_are_looked_up_in_the_index(rows, column):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = rows.order_by().filter(**{f"{column}__icontains": "kowalski"}).explain()
    assert "_trgm" in plan


@pytest.mark.postgres
def test_missing_index_is_told_and_made_again():
    table = Document._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f'DROP INDEX "{text_search.index_name(table)}"')
    [message] = long_lists_are_searched_fast(None, databases=["default"])
    assert message.id == "cms_billing.W032"
    text_search.install_indexes(connection)
    assert long_lists_are_searched_fast(None, databases=["default"]) == []


@pytest.mark.postgres
def test_without_the_extension_migrate_goes_on_and_says_what_to_do(monkeypatch, caplog):
    table = Document._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f'DROP INDEX "{text_search.index_name(table)}"')
    monkeypatch.setattr(text_search, "_has_extension", lambda connection: False)
    with caplog.at_level(logging.WARNING):
        text_search.install_indexes(connection)
    assert "CREATE EXTENSION pg_trgm" in caplog.text
    assert text_search.missing_indexes(connection) == [table]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="what SQLite does")
def test_sqlite_needs_nothing():
    text_search.install_indexes(connection)
    assert long_lists_are_searched_fast(None, databases=["default"]) == []
