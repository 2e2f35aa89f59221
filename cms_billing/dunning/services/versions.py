"""Procedures as they were when letters were written from them: a new version where the content has changed."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from django.db import transaction

from ..models import Procedure, ProcedureVersion
from ..plans import ActiveProcedure


@transaction.atomic
def note_versions(procedures: Collection[ActiveProcedure], *, user_id: int | None = None) -> dict[int, int]:
    """The id of the version that each procedure is at, by procedure id; written where the latest one says otherwise.

    One statement where nothing has changed. Procedures that are not saved have none.
    """
    by_id = {procedure.pk: procedure for procedure in procedures if procedure.pk}
    known = _latest(by_id)
    changed = {pk for pk in by_id if known.get(pk, (0, "", 0))[1] != by_id[pk].digest}
    if changed:
        # Two workers may find the same change: the second one waits here, and finds the version of the first.
        list(Procedure.objects.filter(pk__in=changed).order_by("pk").select_for_update(no_key=True))
        known |= _latest(changed)
        new = [
            _next(by_id[pk], known.get(pk, (0, "", 0))[0], user_id=user_id)
            for pk in sorted(changed)
            if known.get(pk, (0, "", 0))[1] != by_id[pk].digest
        ]
        for version in ProcedureVersion.objects.bulk_create(new):
            known[version.procedure_id] = (version.number, version.digest, version.pk)
    return {pk: key for pk, (_number, _digest, key) in known.items()}


def _latest(procedures: Collection[int]) -> dict[int, tuple[int, str, int]]:
    """By procedure: number, digest and id of its latest version."""
    rows = ProcedureVersion.objects.filter(procedure__in=procedures).order_by("procedure", "number")
    columns = ("procedure_id", "number", "digest", "pk")
    return {pk: (number, digest, key) for pk, number, digest, key in rows.values_list(*columns)}


def _next(procedure: ActiveProcedure, last: int, *, user_id: int | None) -> ProcedureVersion:
    return ProcedureVersion(
        procedure_id=cast(int, procedure.pk),
        number=last + 1,
        content=dict(procedure.content),
        digest=procedure.digest,
        user_id=user_id,
    )
