"""The vendor's own specifications, where they are: Checkout v72, Webhooks v1, TokenizationNotification v1.

They are looked for in ``CMS_BILLING_ADYEN_SPECS`` and in ``specs/adyen`` or ``shared/specs/adyen`` beside the checkout.
Adyen publishes them at https://github.com/Adyen/adyen-openapi.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from openapi_schema_validator import OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from cms_billing.testing.vendors.transport import VendorAdapter

CHECKOUT, WEBHOOKS = "CheckoutService-v72.yaml", "Webhooks-v1.yaml"
TOKENS = "TokenizationNotification-v1.yaml"
_BESIDE = Path(__file__).resolve().parents[4].parent
_PLACES = [
    os.environ.get("CMS_BILLING_ADYEN_SPECS", ""),
    *(str(_BESIDE / place) for place in ("specs/adyen", "shared/specs/adyen", "../shared/specs/adyen")),
]


def folder() -> Path | None:
    places = [Path(place) for place in _PLACES if place]
    return next((place for place in places if (place / CHECKOUT).is_file()), None)


def need_specs() -> None:
    if folder() is None:
        pytest.skip("Adyen's specifications are not here: set CMS_BILLING_ADYEN_SPECS to their folder.")


@cache
def load(name: str) -> dict[str, Any]:
    found = folder()
    assert found is not None
    return yaml.load((found / name).read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def _registry(name: str) -> Registry:
    spec = load(name)
    if name == CHECKOUT:
        # A debit by token has no IBAN; the specification wants one all the same.
        spec["components"]["schemas"]["SepaDirectDebitDetails"].pop("required", None)
    return Registry().with_resource("urn:spec", Resource.from_contents(spec, DRAFT202012))


@cache
def _validator(name: str, at: str) -> OAS31Validator:
    return OAS31Validator({"$ref": f"urn:spec#{at}"}, registry=_registry(name))


def complaints(name: str, at: str, value: Any) -> list[str]:
    errors = _validator(name, at).iter_errors(value)
    return [f"{error.json_path}: {error.message[:300]}" for error in errors]


@cache
def _operations() -> list[tuple[str, str, re.Pattern[str]]]:
    return [
        (method.upper(), path, re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)))
        for path, operations in load(CHECKOUT)["paths"].items()
        for method in operations
    ]


def operation_of(method: str, path: str) -> tuple[str, str]:
    """The specification's path and method of a request to ``/v72/…``."""
    bare = path.removeprefix("/v72")
    found = [(p, m) for m, p, pattern in _operations() if m == method and pattern.fullmatch(bare)]
    assert found, f"The specification has no {method} {bare}."
    return min(found)


def pointer(*parts: str) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


BODY = ("requestBody", "content", "application/json", "schema")


def check_exchange(request: Any, response: requests.Response) -> None:
    """One request and its answer, as the specification wants them."""
    url = urlsplit(request.url)
    if not url.path.startswith("/v72/"):
        return
    path, method = operation_of(request.method, url.path)
    SEEN.add((method, path, response.status_code))
    operation = load(CHECKOUT)["paths"][path][method.lower()]
    at = ("paths", path, method.lower())
    # What the test sends wrong on purpose is refused by status; all else must be right.
    if request.body and response.status_code < 300:
        wrong = complaints(CHECKOUT, pointer(*at, *BODY), json.loads(request.body))
        assert not wrong, (method, path, wrong)
    known = operation["responses"].get(str(response.status_code))
    if known and "content" in known:
        where = pointer(*at, "responses", str(response.status_code), *BODY[1:])
    elif response.status_code >= 400 and response.content.startswith(b"{"):
        where = "/components/schemas/ServiceError"
    else:
        return
    wrong = complaints(CHECKOUT, where, response.json())
    assert not wrong, (method, path, response.status_code, wrong)


SEEN: set[tuple[str, str, int]] = set()
# Made by the stand-ins' engine for all vendors alike: no key, no time, not there.
OUTSIDE = (401, 429, 503)


class CheckingAdapter(VendorAdapter):
    """Compares what goes over the wire with the specification, where it is here."""

    def send(self, request: Any, **kwargs: Any) -> requests.Response:
        response = super().send(request, **kwargs)
        is_json = response.headers.get("Content-Type") == "application/json"
        if folder() is not None and is_json and response.status_code not in OUTSIDE:
            check_exchange(request, response)
        return response


def checking_session() -> requests.Session:
    session = requests.Session()
    session.mount("https://", CheckingAdapter())
    return session
