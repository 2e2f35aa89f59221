"""Lists, searches and expanded objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cms_billing.core import clock

from ...models import VendorObject
from . import books
from .books import VENDOR, Refused

# The index is up to a minute behind the books: https://docs.stripe.com/search#data-freshness
BEHIND = timedelta(minutes=1)
_SEARCH = re.compile(r"^metadata\['([^']+)'\]:'([^']*)'$")
# Which parameter of a list names what, and where the object has it.
_FILTERS = {
    "customer": "data__customer",
    "payment_intent": "data__payment_intent",
    "charge": "data__charge",
    "payment_method": "data__payment_method",
    "source": "data__source",
    "type": "data__type",
    "status": "data__status",
    "payout": "parent_id",
}


def listed(kind: str, form: Mapping[str, Any], *, account: str) -> dict[str, Any]:
    rows = books.of_kind(kind, account=account)
    rows = rows.filter(**{where: form[name] for name, where in _FILTERS.items() if form.get(name)})
    created = form.get("created") or {}
    for name, bound in created.items():
        rows = rows.filter(**{f"data__created__{name}": int(bound)})
    if form.get("starting_after"):
        last = books.must_find(kind, form["starting_after"], account=account, param="starting_after")
        rows = rows.filter(pk__lt=last.pk)
    return _page(rows, form, kind)


def search(kind: str, form: Mapping[str, Any], *, account: str) -> dict[str, Any]:
    found = _SEARCH.match(form.get("query", ""))
    if found is None:
        raise Refused(400, "We were unable to parse your search query.", param="query")
    rows = books.of_kind(kind, account=account, **{f"data__metadata__{found[1]}": found[2]})
    rows = rows.filter(created_at__lte=clock.now() - BEHIND)
    page = _page(rows, form, kind)
    return {**page, "object": "search_result", "next_page": None, "url": f"{page['url']}/search"}


def _page(rows: Any, form: Mapping[str, Any], kind: str) -> dict[str, Any]:
    limit = int(form.get("limit") or 10)
    found = list(rows[: limit + 1])
    return {
        "object": "list",
        "data": [row.data for row in found[:limit]],
        "has_more": len(found) > limit,
        "url": f"/v1/{kind.replace('.', '/')}s",
    }


def expanded(thing: Any, paths: list[str]) -> Any:
    """``thing`` with the objects in place of their ids along each path, such as ``data.latest_charge``."""
    for path in paths:
        if path.count(".") > 3:
            raise Refused(400, "You cannot expand more than 4 levels of a property.", param="expand")
        thing = _expanded(thing, path.split("."))
    return thing


def _expanded(thing: Any, path: list[str]) -> Any:
    if isinstance(thing, list):
        return [_expanded(one, path) for one in thing]
    if isinstance(thing, str):
        found = VendorObject.objects.filter(vendor=VENDOR, object_id=thing).first()
        thing = found.data if found else thing
    if not path or not isinstance(thing, dict) or path[0] not in thing:
        return thing
    return {**thing, path[0]: _expanded(thing[path[0]], path[1:])}
