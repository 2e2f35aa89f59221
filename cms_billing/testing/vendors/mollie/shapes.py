"""How Mollie's API shows its objects: links, lists, pages of lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from ...models import VendorObject
from ..hosted import stand_in_url
from ..transport import VendorRequest
from .books import API, VENDOR, children, url

_MOST = 250
_USUAL = 50


def payment(row: VendorObject, *, embed: str = "") -> dict[str, Any]:
    data, path = row.data, f"payments/{row.object_id}"
    links = {"self": url(path)}
    if data["status"] == "open" and data.get("redirectUrl"):
        links["checkout"] = {"href": stand_in_url(VENDOR, row.object_id), "type": "text/html"}
    if data.get("customerId"):
        links["customer"] = url(f"customers/{data['customerId']}")
    if data.get("customerId") and data.get("mandateId"):
        links["mandate"] = url(f"customers/{data['customerId']}/mandates/{data['mandateId']}")
    if data.get("amountChargedBack"):
        links["chargebacks"] = url(f"{path}/chargebacks")
    shown = {**data, "_links": links}
    wanted = embed.split(",")
    embedded = {
        name: [part(child) for child in children(kind, row.object_id)]
        for name, kind, part in (("refunds", "refund", refund), ("chargebacks", "chargeback", chargeback))
        if name in wanted
    }
    return {**shown, "_embedded": embedded} if embedded else shown


def refund(row: VendorObject) -> dict[str, Any]:
    links = {
        "self": url(f"payments/{row.parent_id}/refunds/{row.object_id}"),
        "payment": url(f"payments/{row.parent_id}"),
    }
    return {**row.data, "_links": links}


def chargeback(row: VendorObject) -> dict[str, Any]:
    path = f"payments/{row.parent_id}"
    return {**row.data, "_links": {"self": url(f"{path}/chargebacks/{row.object_id}"), "payment": url(path)}}


def customer(row: VendorObject) -> dict[str, Any]:
    path = f"customers/{row.object_id}"
    links = {"self": url(path), "mandates": url(f"{path}/mandates"), "payments": url(f"{path}/payments")}
    return {**row.data, "_links": links}


def mandate(row: VendorObject) -> dict[str, Any]:
    path = f"customers/{row.parent_id}"
    return {**row.data, "_links": {"self": url(f"{path}/mandates/{row.object_id}"), "customer": url(path)}}


def settlement(row: VendorObject) -> dict[str, Any]:
    path = f"settlements/{row.object_id}"
    links = {name: url(f"{path}/{name}") for name in ("payments", "refunds", "chargebacks")}
    return {**row.data, "_links": {"self": url(path), **links}}


def listed(
    request: VendorRequest,
    name: str,
    rows: Sequence[VendorObject],
    shape: Callable[[VendorObject], dict[str, Any]],
) -> dict[str, Any]:
    """One page of ``rows``, which come newest first; ``from`` is the first object of the page."""
    limit = min(_MOST, int(request.query.get("limit") or _USUAL))
    start = next((i for i, row in enumerate(rows) if row.object_id == request.query.get("from")), 0)
    page, rest = rows[start : start + limit], rows[start + limit :]
    here = f"{API}/{request.path.removeprefix('/v2/')}"
    following = f"{here}?{urlencode({'from': rest[0].object_id, 'limit': limit})}" if rest else None
    return {
        "count": len(page),
        "_embedded": {name: [shape(row) for row in page]},
        "_links": {
            "self": {"href": here, "type": "application/hal+json"},
            "previous": None,
            "next": {"href": following, "type": "application/hal+json"} if following else None,
        },
    }
