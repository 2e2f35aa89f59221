"""Indexes for "contains" searches: PostgreSQL's trigrams (``pg_trgm``), nothing elsewhere.

An app says which columns of which tables people search by parts of words::

    text_search.make_searchable(Customer, "number", "last_name")

The indexes are made after every ``migrate``. They serve ``icontains``. Where ``pg_trgm`` is missing and may not be
created, lists search without them, slower, and ``manage.py check --database default`` says what to do (W032).
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger(__name__)

HINT = (
    "The PostgreSQL extension pg_trgm is missing: searches in long lists are slow. Let a superuser of the database run "
    "“CREATE EXTENSION pg_trgm;” in it, then run “manage.py migrate” again."
)
_searchable: dict[str, tuple[type[models.Model], tuple[str, ...]]] = {}


def make_searchable(model: type[models.Model], *columns: str) -> None:
    _searchable[model._meta.db_table] = (model, columns)


def index_name(table: str) -> str:
    return f"{table}_trgm"[-63:].lstrip("_")


def install_after_migrate(*, using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    install_indexes(connections[using])


def install_indexes(connection: BaseDatabaseWrapper) -> None:
    """Create the missing indexes of all tables that exist; safe to call again. Without the extension: a hint."""
    if connection.vendor != "postgresql":
        return
    wanted = _missing(connection)
    if not wanted:
        return
    if not _has_extension(connection):
        logger.warning(HINT)
        return
    with connection.cursor() as cursor:
        for table in wanted:
            cursor.execute(_statement(connection, table))


def missing_indexes(connection: BaseDatabaseWrapper) -> list[str]:
    """Tables whose index is not there, where there could be one."""
    return _missing(connection) if connection.vendor == "postgresql" else []


def _missing(connection: BaseDatabaseWrapper) -> list[str]:
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        cursor.execute("SELECT indexname FROM pg_indexes WHERE schemaname = ANY (current_schemas(false))")
        there = {name for (name,) in cursor.fetchall()}
    return [table for table in _searchable if table in existing and index_name(table) not in there]


def _has_extension(connection: BaseDatabaseWrapper) -> bool:
    """Trusted since PostgreSQL 13: whoever may create in the database may create it, if the server has its files."""
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError:
        return False
    return True


def _statement(connection: BaseDatabaseWrapper, table: str) -> str:
    _model, columns = _searchable[table]
    quote = connection.ops.quote_name
    # The expression must be the one that Django writes for icontains.
    expressions = ", ".join(f"UPPER({quote(column)}::text) gin_trgm_ops" for column in columns)
    return (
        f"CREATE INDEX IF NOT EXISTS {quote(index_name(table))} ON {quote(table)} USING gin ({expressions})"
    )
