"""Brings a PostgreSQL database back to how it began, by writing only what has changed since.

A fresh copy of the template takes a second of the server's time, and hundreds of tests commit; what one of them leaves
behind is found and taken back in a tenth of that. Contents are compared, not guessed from statistics. Where a test has
changed the schema, nothing is brought back: the caller copies the template again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from psycopg import Connection

# Whatever describes the schema. A row that DDL has touched has another xmin; statistics are written in place.
CATALOGS = (
    "pg_class",
    "pg_attribute",
    "pg_attrdef",
    "pg_constraint",
    "pg_trigger",
    "pg_proc",
    "pg_extension",
)
TABLES = (
    "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
    "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
)
SEQUENCES = (
    "SELECT format('%I.%I', schemaname, sequencename), coalesce(last_value, start_value), last_value IS NOT NULL "
    "FROM pg_sequences"
)
END_OTHER_SESSIONS = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


class Sequence(NamedTuple):
    name: str
    value: int
    is_called: bool


class Beginning:
    """What a database holds now. ``connect`` opens a session on it that commits each statement."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self.connect = connect
        with connect() as session:
            tables = [table for (table,) in session.execute(TABLES)]
            filled = [table for table in tables if holds_rows(session, table)]
            self.contents = {table: read(session, table) for table in filled}
            self.query = " UNION ALL ".join(fingerprint(table, is_filled=table in filled) for table in tables)
            self.fingerprints = set(session.execute(self.query))
            self.sequences = sequences(session)
            self.schema = schema(session)

    def bring_back(self) -> bool:
        """False where only a fresh copy helps: the schema has changed, or the user is no superuser."""
        with self.connect() as session:
            session.execute(END_OTHER_SESSIONS)
            if schema(session) != self.schema or not may_lift_triggers(session):
                return False
            changed = [table for table, _now in set(session.execute(self.query)) - self.fingerprints]
            if changed:
                self._write_back(session, changed)
            for sequence in self.sequences - sequences(session):
                session.execute("SELECT setval(%s, %s, %s)", sequence)
        return True

    def _write_back(self, session: Connection, tables: list[str]) -> None:
        session.execute("SET session_replication_role = replica")
        with session.transaction():
            for table in tables:
                session.execute(f"DELETE FROM {table}")
        # Rows come to lie as in the template, not in gaps between those of earlier tests.
        session.execute(f"VACUUM {', '.join(tables)}")
        with session.transaction():
            for table in self.contents.keys() & tables:
                write(session, table, self.contents[table])


def holds_rows(session: Connection, table: str) -> bool:
    return one(session, f"SELECT EXISTS (SELECT 1 FROM {table})")


def fingerprint(table: str, *, is_filled: bool) -> str:
    """Of a table that began empty it is enough to know whether it still is, however much has been written."""
    rows = "md5(string_agg(t::text, '|'))" if is_filled else "(count(*) > 0)::text"
    return (
        f"SELECT '{table}', (SELECT {rows} FROM (SELECT * FROM {table} {'' if is_filled else 'LIMIT 1'}) t)"
    )


def sequences(session: Connection) -> set[Sequence]:
    return {Sequence(*row) for row in session.execute(SEQUENCES)}


def schema(session: Connection) -> list[str]:
    return [
        one(session, f"SELECT md5(string_agg(ctid::text || xmin, '' ORDER BY ctid)) FROM {catalog}")
        for catalog in CATALOGS
    ]


def may_lift_triggers(session: Connection) -> bool:
    """Those that freeze what is issued, and those of foreign keys."""
    return one(session, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")


def one(session: Connection, query: str):
    return session.execute(query).fetchone()[0]


def read(session: Connection, table: str) -> bytes:
    with session.cursor().copy(f"COPY {table} TO STDOUT") as rows:
        return b"".join(rows)


def write(session: Connection, table: str, contents: bytes) -> None:
    with session.cursor().copy(f"COPY {table} FROM STDIN") as rows:
        rows.write(contents)
