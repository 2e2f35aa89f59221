"""Insert thousands of rows: COPY on PostgreSQL, ``bulk_create`` elsewhere.

Both paths write the same rows under the same constraints and triggers; COPY only spares the parsing of a statement with
thousands of parameters and Django's preparation of each value (measured in ``benchmarks/daily_run.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, connections, models, router, transaction

M = TypeVar("M", bound=models.Model)
# Values psycopg writes as they are; everything else goes through its field.
_PLAIN = frozenset({str, int, bool, type(None), date, datetime, Decimal, UUID})
# Below this a single INSERT is quicker than setting up a COPY.
_WORTH_COPYING = 20


def insert_rows(model: type[M], rows: Sequence[M], *, with_keys: bool = False) -> None:
    """Insert unsaved instances. Raises IntegrityError as ``bulk_create`` does.

    The instances have their primary keys afterwards only where asked ``with_keys``, for rows that others refer to.
    ``auto_now`` fields and ``save()`` overrides do not take part, as with ``bulk_create``.
    """
    using = router.db_for_write(model)
    connection = connections[using]
    if connection.vendor != "postgresql" or len(rows) < _WORTH_COPYING:
        model._default_manager.using(using).bulk_create(rows)
        return
    with transaction.atomic(using=using, savepoint=False), connection.cursor() as cursor:
        if with_keys:
            _take_keys(cursor, model, rows)
        _copy(cursor, model, rows, connection)
    for row in rows:
        row._state.adding, row._state.db = False, using


def insert_new_rows(model: type[M], rows: Sequence[M]) -> None:
    """Insert instances; rows that a unique constraint says are there already are left as they are.

    Conflicts are the exception (a run repeated after a restored backup), so they are only looked for when one shows.
    Primary keys are not to be relied on afterwards.
    """
    try:
        with transaction.atomic(using=router.db_for_write(model)):
            insert_rows(model, rows)
    except IntegrityError:
        for row in rows:
            row.pk, row._state.adding = None, True
        model._default_manager.bulk_create(rows, ignore_conflicts=True)


def _take_keys(cursor: Any, model: type[models.Model], rows: Sequence[models.Model]) -> None:
    """Numbers of the table's own sequence, so that rows of other tables can refer to these at once."""
    key = model._meta.pk
    cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [f'"{model._meta.db_table}"', key.column])
    (sequence,) = cursor.fetchone()
    cursor.execute("SELECT nextval(%s::regclass) FROM generate_series(1, %s)", [sequence, len(rows)])
    for row, (value,) in zip(rows, cursor.fetchall(), strict=True):
        row.pk = value


def _copy(cursor: Any, model: type[models.Model], rows: Sequence[models.Model], connection: Any) -> None:
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    if rows[0].pk is None:
        fields.remove(model._meta.pk)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    with cursor.copy(f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN') as copy:
        for row in rows:
            values = row.__dict__
            copy.write_row(
                [
                    value if type(value) in _PLAIN else field.get_db_prep_save(value, connection)
                    for field in fields
                    for value in (values[field.attname],)
                ]
            )
