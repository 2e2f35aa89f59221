"""The rules of collections, from the database: for the map that processes keep, and for whoever moves files."""

from __future__ import annotations

from collections.abc import Iterator

from wagtail.models import Collection

from ..models import CollectionRule
from ..rules import OpensTo, Rule


def collection_rules() -> list[CollectionRule]:
    return list(CollectionRule.objects.select_related("collection").prefetch_related("plans"))


def rules_by_collection(rows: list[CollectionRule]) -> dict[int, Rule]:
    """The rule that counts for each collection, by its id: its own, or of the nearest one above that has one."""
    if not rows:
        return {}
    own = {row.collection.path: row.facts() for row in rows}
    found = {}
    for pk, path in Collection.objects.values_list("pk", "path"):
        if nearest := next((own[place] for place in _upwards(path) if place in own), None):
            found[pk] = nearest
    return found


def closed_collections() -> set[int]:
    """Ids of the collections whose files lie in the private storage, as it is now."""
    found = rules_by_collection(collection_rules())
    return {pk for pk, rule in found.items() if rule.opens_to is OpensTo.PLANS}


def _upwards(path: str) -> Iterator[str]:
    for length in range(len(path), 0, -Collection.steplen):
        yield path[:length]
