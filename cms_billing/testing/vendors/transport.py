"""A ``requests`` session whose requests end in a vendor's stand-in instead of the network."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from django.db import transaction
from requests.adapters import BaseAdapter

from ..models import VendorAnswer, VendorFault

# Hosts of the vendors' APIs, and whose stand-in answers for them.
VENDORS = {
    "api.stripe.com": "stripe",
    "api.mollie.com": "mollie",
    "checkout-test.adyen.com": "adyen",
    "management-test.adyen.com": "adyen",
    "ca-test.adyen.com": "adyen",
}
_WEB_PAGE = b"<html><body><h1>Something went wrong</h1></body></html>"


@dataclass(frozen=True)
class VendorRequest:
    """A request as a vendor's server sees it. ``form`` is the decoded body, whether it was JSON or a form.

    Header names are in small letters.
    """

    vendor: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    form: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Alike for two requests that ask for the same."""
        parts = [self.method.encode(), self.path.encode(), self.body]
        return hashlib.sha256(b"\n".join(parts)).hexdigest()


@dataclass(frozen=True)
class VendorResponse:
    """``body`` becomes the JSON answer; ``raw``, where given, is sent instead (files, web pages)."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


Answer = Callable[[VendorRequest], VendorResponse]


def new_session() -> requests.Session:
    """Talks to the stand-ins; hosts that are none of a vendor's raise ConnectionError."""
    session = requests.Session()
    session.mount("https://", VendorAdapter())
    session.mount("http://", VendorAdapter())
    return session


class VendorAdapter(BaseAdapter):
    def send(self, request: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        url = urlsplit(request.url)
        vendor = VENDORS.get(url.hostname or "")
        if vendor is None:
            raise requests.ConnectionError(f"No stand-in answers for {url.hostname}.")
        body = request.body or b""
        body = body if isinstance(body, bytes) else body.encode()
        asked = VendorRequest(
            vendor=vendor,
            method=request.method,
            path=url.path,
            query=dict(parse_qsl(url.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            form=_decoded(body, request.headers.get("Content-Type", "")),
        )
        return _as_requests_has_it(request, ask(asked))

    def close(self) -> None:
        """There is no connection to close."""


def ask(request: VendorRequest) -> VendorResponse:
    """One request, and what a fault makes of it; raises requests' exceptions where an answer is lost.

    Like a real vendor it is no part of our transaction: inside one, it raises RuntimeError.
    """
    fault = _take_fault(request)
    if fault == VendorFault.Kind.TIMEOUT_BEFORE:
        raise requests.ConnectTimeout("The stand-in did not answer.")
    if fault in _REFUSALS:
        return _REFUSALS[VendorFault.Kind(fault)]
    with transaction.atomic(durable=True):
        response = _dialect(request.vendor)(request)
    if fault == VendorFault.Kind.TIMEOUT_AFTER:
        raise requests.ReadTimeout("The stand-in did not answer.")
    return response


_REFUSALS = {
    VendorFault.Kind.DOWN: VendorResponse(503, {"error": {"message": "down"}, "status": 503}),
    VendorFault.Kind.RATE_LIMITED: VendorResponse(
        429, {"error": {"message": "too many requests"}, "status": 429}, headers={"Retry-After": "1"}
    ),
    VendorFault.Kind.NOT_JSON: VendorResponse(200, raw=_WEB_PAGE, headers={"Content-Type": "text/html"}),
    VendorFault.Kind.UNAUTHORISED: VendorResponse(
        401, {"error": {"message": "Invalid API key"}, "status": 401, "title": "Unauthorized Request"}
    ),
}


def same_again(request: VendorRequest, *, account: str, key: str) -> VendorResponse | None:
    """The answer kept under ``key``; None where it is new. Status 400 for another request under the same key."""
    kept = (
        VendorAnswer.objects.filter(vendor=request.vendor, account=account, key=key).first() if key else None
    )
    if kept is None:
        return None
    if kept.digest != request.digest:
        told = "This idempotency key was used for another request."
        return VendorResponse(400, {"error": {"type": "idempotency_error", "message": told}})
    return VendorResponse(kept.status, kept.body)


def keep_answer(
    request: VendorRequest, response: VendorResponse, *, account: str, key: str
) -> VendorResponse:
    if key:
        VendorAnswer.objects.create(
            vendor=request.vendor,
            account=account,
            key=key,
            digest=request.digest,
            status=response.status,
            body=response.body,
        )
    return response


def _take_fault(request: VendorRequest) -> str:
    with transaction.atomic(durable=True):
        faults = VendorFault.objects.select_for_update().filter(vendor=request.vendor, times__gt=0)
        for fault in faults:
            if request.path.startswith(fault.path) and fault.method in ("", request.method):
                fault.times -= 1
                fault.save(update_fields=["times"])
                return fault.kind
    return ""


def _dialect(vendor: str) -> Answer:
    return import_module(f"{__package__}.{vendor}").answer


def _decoded(body: bytes, content_type: str) -> Mapping[str, Any]:
    if not body:
        return {}
    if "json" in content_type:
        return json.loads(body)
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def _as_requests_has_it(request: Any, answered: VendorResponse) -> requests.Response:
    response = requests.Response()
    response.status_code = answered.status
    response.headers.update({"Content-Type": "application/json", **answered.headers})
    response.raw = io.BytesIO(
        answered.raw if answered.raw is not None else json.dumps(answered.body).encode()
    )
    response.url, response.request = request.url, request
    response.encoding = "utf-8"
    return response
