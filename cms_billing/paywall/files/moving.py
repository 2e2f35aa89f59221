"""Files follow the rule of their collection: a closed one keeps its files in the private storage, and only there.

A move is a row of outside work: the file is copied, then the document or image points at the copy, then the old file
is removed – which is a row as well, so that no crash leaves it at its public address unnoticed. Renditions are dropped
with the old file; Wagtail makes new ones, beside the new file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.images.models import get_rendition_storage

from cms_billing.core import clock, outbox
from cms_billing.core.exceptions import PermanentFailure

from ..models import FileMove, FileRemoval
from .collections import closed_collections
from .names import KEY_LENGTH, PRIVATE, Kind, is_private, private_name

# As many files are moved before the editor's request ends; the workers do the rest.
AT_ONCE = 20
State = FileMove.WorkState
_FRESH = {
    "work_state": State.PENDING,
    "attempts": 0,
    "next_try_at": None,
    "claim": None,
    "claimed_until": None,
    "last_error": "",
    "done_at": None,
}


def kind_of(file: Any) -> str:
    return FileMove.Kind.DOCUMENT if isinstance(file, get_document_model()) else FileMove.Kind.IMAGE


def model_of(kind: str) -> Any:
    return get_document_model() if kind == FileMove.Kind.DOCUMENT else get_image_model()


def misplaced(kind: str, closed: set[int]) -> QuerySet[Any]:
    """Documents or images whose file lies on the wrong side, and images with a rendition there."""
    private = Q(file__startswith=PRIVATE)
    inside = Q(collection__in=closed)
    wrong = (inside & ~private) | (private & ~inside)
    if kind == FileMove.Kind.IMAGE:
        renditions = get_image_model().get_rendition_model().objects
        stray = renditions.filter(image__file__startswith=PRIVATE).exclude(file__startswith=PRIVATE)
        wrong |= Q(pk__in=stray.values("image"))
    return model_of(kind).objects.filter(wrong)


@transaction.atomic
def settle_files() -> int:
    """Have every file moved that lies on the wrong side; returns how many do."""
    closed = closed_collections()
    found = [
        (kind, pk)
        for kind in FileMove.Kind.values
        for pk in misplaced(kind, closed).order_by("pk").values_list("pk", flat=True)
    ]
    return _settle(found)


@transaction.atomic
def settle_file(file: Any) -> bool:
    """Have this document's or image's file moved, should it lie on the wrong side."""
    kind = kind_of(file)
    wrong = misplaced(kind, closed_collections()).filter(pk=file.pk).exists()
    return bool(wrong and _settle([(kind, file.pk)]))


def _settle(found: Iterable[tuple[str, int]]) -> int:
    count = 0
    for kind, pk in found:
        row, _created = FileMove.objects.update_or_create(kind=kind, object_id=pk, defaults=_FRESH)
        _soon(row, here=count < AT_ONCE)
        count += 1
    return count


def _soon(row: Any, *, here: bool) -> None:
    if here:
        transaction.on_commit(partial(_work, type(row), row.pk))
    else:
        outbox.hint(row)


def _work(model: Any, pk: int) -> None:
    outbox.work_on(model, pk, now=clock.now())


def keep_upload_private(file: Any) -> None:
    """A new upload into a closed collection never touches the public side."""
    upload = file.file
    if not upload or upload._committed or file.collection_id not in closed_collections():
        return
    name = _private_place(file, upload.name)
    upload.name = upload.storage.save(name, upload.file, max_length=upload.field.max_length)
    setattr(file, upload.field.attname, upload.name)
    upload._committed = True


def move_file(row: FileMove) -> Any:
    """The work of a row. Rules are read from the database: a worker's map may be seconds old."""
    file = model_of(row.kind).objects.filter(pk=row.object_id).first()
    if file is None:
        return None
    private = file.collection_id in closed_collections()
    if is_private(file.file.name) == private:
        return partial(drop_renditions, file, stray_only=True) if private else None
    old = file.file.name
    return partial(_point_at_copy, file, old, _copied(file, private=private))


def _copied(file: Any, *, private: bool) -> str:
    field = file.file.field
    basename = os.path.basename(file.file.name)
    name = _private_place(file, basename) if private else field.generate_filename(file, basename)
    try:
        with file.file.storage.open(file.file.name, "rb") as content:
            return file.file.storage.save(name, content, max_length=field.max_length)
    except FileNotFoundError as error:
        raise PermanentFailure(
            _("The file “%(name)s” of “%(title)s” is missing. Upload it again, or delete the entry.")
            % {"name": file.file.name, "title": file}
        ) from error


def _private_place(file: Any, basename: str) -> str:
    kind = Kind.DOCUMENT if kind_of(file) == FileMove.Kind.DOCUMENT else Kind.IMAGE
    return private_name(kind, get_random_string(KEY_LENGTH), basename, longest=file.file.field.max_length)


def _point_at_copy(file: Any, old: str, copy: str) -> None:
    """In one transaction with the row's end. A file that was changed meanwhile is looked at again."""
    rows = type(file).objects
    current = rows.select_for_update(of=("self",)).filter(pk=file.pk).first()
    if current is None or current.file.name != old or current.collection_id != file.collection_id:
        _remove(copy)
        if current is not None:
            transaction.on_commit(partial(settle_file, current))
        return
    rows.filter(pk=file.pk).update(file=copy)
    _remove(old)
    if kind_of(file) == FileMove.Kind.IMAGE:
        drop_renditions(current, stray_only=False)


def drop_renditions(image: Any, *, stray_only: bool) -> None:
    """Scaled copies of an image, with their files; ``stray_only``: those at a public address."""
    if kind_of(image) != FileMove.Kind.IMAGE:
        return
    found = image.renditions.all()
    if stray_only:
        found = found.exclude(file__startswith=PRIVATE)
    names = list(found.values_list("file", flat=True))
    found.delete()
    for name in names:
        _remove(name, place=FileRemoval.Place.RENDITIONS)


def _remove(name: str, *, place: str = FileRemoval.Place.MEDIA) -> None:
    row = FileRemoval.objects.create(name=name, place=place)
    _soon(row, here=True)


def remove_file(row: FileRemoval) -> Any:
    """Unless something points at it (again): then it is somebody's."""
    image = get_image_model()
    users = (
        (image.get_rendition_model(),)
        if row.place == FileRemoval.Place.RENDITIONS
        else (image, get_document_model())
    )
    if not any(model.objects.filter(file=row.name).exists() for model in users):
        storage = get_rendition_storage() if row.place == FileRemoval.Place.RENDITIONS else default_storage
        storage.delete(row.name)
    return None
