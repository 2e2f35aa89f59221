"""Reads: which files are protected and where they are found, and what of a list somebody may have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.models import Collection

from .. import rules
from ..holdings import holdings_of
from ..rule_map import current_rules
from ..rules import Visitor
from .collections import closed_collections
from .moving import kind_of


@dataclass(frozen=True)
class ProtectedFile:
    """A document or image of a closed collection. ``urls``: every address at which it or a rendition of it is asked
    for; none of them may answer who has no access."""

    kind: str
    id: int
    title: str
    collection_id: int
    name: str
    urls: tuple[str, ...]


def protected_files(collection: Collection | None = None) -> Iterator[ProtectedFile]:
    """All protected files, or those of a collection and of what is below it."""
    closed = closed_collections()
    if collection is not None:
        closed &= set(collection.get_descendants(inclusive=True).values_list("pk", flat=True))
    for document in get_document_model().objects.filter(collection__in=closed).order_by("pk"):
        yield _described(document, document.url, document.file.url)
    images = get_image_model().objects.filter(collection__in=closed).prefetch_related("renditions")
    for image in images.order_by("pk"):
        yield _described(image, image.file.url, *(rendition.url for rendition in image.renditions.all()))


def _described(file: Any, *urls: str) -> ProtectedFile:
    return ProtectedFile(
        kind=str(kind_of(file)),
        id=file.pk,
        title=file.title,
        collection_id=file.collection_id,
        name=file.file.name,
        urls=tuple(dict.fromkeys(urls)),
    )


def files_visible_to(files: QuerySet[Any], user: Any, *, today: date) -> QuerySet[Any]:
    """The documents or images that the user may have. One query for members, none for guests; editors are judged by
    what they hold."""
    closed = collections_closed_to(user, today=today)
    return files.exclude(collection__in=closed) if closed else files


def collections_closed_to(user: Any, *, today: date) -> set[int]:
    """Ids of the collections whose files the user may not have."""
    known = current_rules()
    if not known.collections or user.is_superuser:
        return set()
    visitor = Visitor.USER if user.is_authenticated else Visitor.GUEST
    levels = any(rule.closes_at for rule in known.collections.values())
    held = holdings_of(user, plan_ids=known.plans, levels=levels, today=today)
    return {
        pk
        for pk, rule in known.collections.items()
        if not rules.decide(
            rule, visitor=visitor, holdings=held.contracts, standings=held.standings, today=today
        ).granted
    }
