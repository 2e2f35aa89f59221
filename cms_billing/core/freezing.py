"""Frozen tables: database triggers that refuse to change or delete what has been issued, booked or archived.

An app says which of its tables freeze, and from when on::

    freezing.freeze(Document, when="{old}.state = 'issued'")
    freezing.freeze(LedgerEntry)

The triggers are installed after every ``migrate`` (``post_migrate`` also fires where tests build the schema without
migrations), and again after a table has been rebuilt. PostgreSQL and SQLite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

MESSAGE = (
    "cms_billing: {table} is frozen: what has been issued, booked or archived cannot be changed or deleted"
)
# Alias of an inserted row in a statement's trigger on PostgreSQL.
NEW_ROW = "new_row"


@dataclass(frozen=True)
class Frozen:
    """``when``: SQL condition on the ``{old}`` row. ``insert_when``: on the ``{new}`` row once it is in the table, to
    refuse rows that would be added to something frozen."""

    model: type[models.Model]
    when: str
    insert_when: str | None


_frozen: dict[str, Frozen] = {}


def freeze(model: type[models.Model], *, when: str = "1 = 1", insert_when: str | None = None) -> None:
    _frozen[model._meta.db_table] = Frozen(model, when, insert_when)


def install_after_migrate(*, using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    install_triggers(connections[using])


def install_triggers(connection: BaseDatabaseWrapper) -> None:
    """(Re)create the triggers of all frozen tables that exist; safe to call again."""
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        for table, frozen in _frozen.items():
            if table in existing and _referenced(frozen) <= existing:
                for statement in _create(connection.vendor, frozen):
                    cursor.execute(statement)


def missing_triggers(connection: BaseDatabaseWrapper) -> list[str]:
    """Triggers that should be there for the tables that are: a dump may have left them behind."""
    known = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        cursor.execute(known)
        there = {name for (name,) in cursor.fetchall()}
    wanted = [
        f"{table}_no_{event}"
        for table, frozen in _frozen.items()
        if table in existing and _referenced(frozen) <= existing
        for event in ("update", "delete", *(["insert"] if frozen.insert_when else []))
    ]
    return [name for name in wanted if name not in there]


def drop_triggers(connection: BaseDatabaseWrapper) -> None:
    """For test runners that empty the tables, and for nobody else."""
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        for table in _frozen.keys() & existing:
            for event in ("update", "delete", "insert"):
                on_table = f' ON "{table}"' if connection.vendor == "postgresql" else ""
                cursor.execute(f'DROP TRIGGER IF EXISTS "{table}_no_{event}"{on_table}')


def _create(vendor: str, frozen: Frozen) -> list[str]:
    events = [("update", "OLD", frozen.when), ("delete", "OLD", frozen.when)]
    if frozen.insert_when:
        events.append(("insert", NEW_ROW if vendor == "postgresql" else "NEW", frozen.insert_when))
    build = _postgresql if vendor == "postgresql" else _sqlite
    return [s for event, row, when in events for s in build(frozen, event, row, _condition(when, row))]


def _postgresql(frozen: Frozen, event: str, row: str, condition: str) -> list[str]:
    table = frozen.model._meta.db_table
    name = f"{table}_no_{event}"
    fires = f'BEFORE {event.upper()} ON "{table}" FOR EACH ROW'
    if event == "insert":
        # Once a statement over all its rows: a batch inserts thousands.
        condition = f"EXISTS (SELECT 1 FROM new_rows {NEW_ROW} WHERE {condition})"  # noqa: S608
        fires = f'AFTER INSERT ON "{table}" REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT'
    return [
        # EXECUTE plans the condition each time: a plan kept from when the tables were empty would read them whole.
        f"""CREATE OR REPLACE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql AS $body$
            DECLARE refused boolean;
            BEGIN
              {_evaluate(event, condition)}
              IF refused THEN
                RAISE EXCEPTION '{MESSAGE.format(table=table)}' USING ERRCODE = 'integrity_constraint_violation';
              END IF;
              RETURN {"OLD" if event == "delete" else "NEW"};
            END $body$""",
        f'CREATE OR REPLACE TRIGGER "{name}" {fires} EXECUTE FUNCTION "{name}"()',
    ]


def _evaluate(event: str, condition: str) -> str:
    if event == "insert":
        return f"EXECUTE $query$ SELECT {condition} $query$ INTO refused;"
    return f"refused := {condition};"


def _sqlite(frozen: Frozen, event: str, row: str, condition: str) -> list[str]:
    table = frozen.model._meta.db_table
    name = f"{table}_no_{event}"
    when = "AFTER" if event == "insert" else "BEFORE"
    return [
        f'DROP TRIGGER IF EXISTS "{name}"',
        f'CREATE TRIGGER "{name}" {when} {event.upper()} ON "{table}" FOR EACH ROW WHEN {condition} '
        f"BEGIN SELECT RAISE(ABORT, '{MESSAGE.format(table=table)}'); END",
    ]


def _condition(when: str, row: str) -> str:
    return when.replace("{old}", row).replace("{new}", row)


def _referenced(frozen: Frozen) -> set[str]:
    """Tables of foreign keys of the model: a condition may look at them, so they must be there first."""
    return {
        field.related_model._meta.db_table
        for field in frozen.model._meta.concrete_fields
        if field.is_relation and isinstance(field.related_model, type) and field.related_model._meta.managed
    }
