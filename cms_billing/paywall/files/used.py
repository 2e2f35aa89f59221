"""Files that a page shows but some of its readers may not have: they see a broken picture, or a link that refuses.

For whoever tells editors. It reads the page as it is handed over, so a draft is told before it goes out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.contenttypes.models import ContentType
from wagtail.blocks import StreamValue
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.models import Page, ReferenceIndex

from ..rule_map import RuleMap, current_rules
from ..rules import OpensTo, Rule
from ..stream_blocks import Audience
from .moving import kind_of

# Blocks for these are not shown to all readers of the page: what is in them is no surprise.
_FOR_SOME = (Audience.MEMBERS, Audience.PLANS)


@dataclass(frozen=True)
class ClosedFile:
    """A document or image of a closed collection, and where the page uses it: ``body``, ``gallery``."""

    kind: str
    id: int
    title: str
    collection_id: int
    collection: str
    fields: tuple[str, ...]


def closed_files_of(page: Page, *, today: date) -> list[ClosedFile]:
    """Documents and images of closed collections that the (specific) page uses although not everybody who may read the
    page by its rule may have them. As many queries for one file as for many; none where no collection is
    closed to readers of the page.

    What stands in blocks for members is left out, and so is what a page shows by way of snippets and templates.
    Raises RulesUnreadable.
    """
    known = current_rules()
    closed = _collections_closed_to_readers(known, known.rule_for(page.path or ""), today)
    if not closed:
        return []
    used = _used_by(page)
    found = []
    for model in (get_document_model(), get_image_model()):
        fields = used.get(_type_id(model))
        if not fields:
            continue
        files = model.objects.filter(pk__in=fields, collection__in=closed).select_related("collection")
        found += [_described(file, fields[str(file.pk)]) for file in files.order_by("title", "pk")]
    return found


def _described(file: Any, fields: dict[str, None]) -> ClosedFile:
    return ClosedFile(
        kind=str(kind_of(file)),
        id=file.pk,
        title=file.title,
        collection_id=file.collection_id,
        collection=file.collection.name,
        fields=tuple(fields),
    )


def _collections_closed_to_readers(known: RuleMap, rule: Rule | None, today: date) -> set[int]:
    return {pk for pk, of_files in known.collections.items() if _leaves_out(rule, of_files, today)}


def _leaves_out(of_page: Rule | None, of_files: Rule, today: date) -> bool:
    """May somebody read the page and not have the files?"""
    if of_files.opens_to is not OpensTo.PLANS:
        return False
    if of_page is None or of_page.opens_to is OpensTo.EVERYONE:
        return True
    # A page that is free today takes files along that its members have.
    if of_page.has_dates and of_page.is_free_on(today) and of_page.plan_ids.isdisjoint(of_files.plan_ids):
        return True
    return not of_page.plan_ids <= of_files.plan_ids


def _used_by(page: Page) -> dict[int, dict[str, dict[str, None]]]:
    """Fields by the type and key of what they refer to. Wagtail's index itself knows only what is published."""
    hidden = set(_blocks_for_some(page))
    found: dict[int, dict[str, dict[str, None]]] = {}
    for type_id, key, _model_path, content_path in ReferenceIndex._extract_references_from_object(page):
        place = content_path.split(".")
        if not hidden.intersection(place):
            found.setdefault(type_id, {}).setdefault(str(key), {})[place[0]] = None
    return found


def _blocks_for_some(page: Page) -> Iterator[str]:
    """Ids of the blocks that an editor has shown to members only."""
    for field in page._meta.concrete_fields:
        value = getattr(page, field.attname)
        if isinstance(value, StreamValue):
            yield from _ids_for_some(value.get_prep_value(), "")


def _ids_for_some(value: Any, block_id: str) -> Iterator[str]:
    if isinstance(value, dict):
        block_id = value.get("id") or block_id
        if value.get("visible_to") in _FOR_SOME:
            yield block_id
        for part in value.values():
            yield from _ids_for_some(part, block_id)
    elif isinstance(value, list):
        for part in value:
            yield from _ids_for_some(part, block_id)


def _type_id(model: Any) -> int:
    return ContentType.objects.get_for_model(model).pk
