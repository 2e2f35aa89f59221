"""moto's S3 as a process of its own: ``python -m tests.paywall.s3_server PORT``.

moto lets in whoever sends something that looks like a signature. Signed addresses are our subject, so this puts in
front what S3 does: it computes the signature of an address again and refuses what is altered or over. It also writes
down every upload that asks to be public, and tells in ``/_told``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote

SECRET = "tests-secret"
KEY = "tests-key"
Start = Callable[..., Any]


class Signed:
    """Signature Version 4 in the query, by AWS's description of it."""

    def __init__(self, site: Any) -> None:
        self.site = site
        self.public: list[str] = []

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/_told":
            start("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(self.public).encode()]
        if "public" in environ.get("HTTP_X_AMZ_ACL", ""):
            self.public.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        signed = "HTTP_AUTHORIZATION" not in environ and "Signature=" in environ["QUERY_STRING"]
        if signed and (problem := self.problem(environ)):
            start("403 Forbidden", [("Content-Type", "application/xml")])
            return [f"<Error><Code>{problem}</Code></Error>".encode()]
        return self.site(environ, start)

    def problem(self, environ: dict[str, Any]) -> str:
        query = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
        try:
            signature, date = query.pop("X-Amz-Signature"), query["X-Amz-Date"]
            scope = query["X-Amz-Credential"].split("/")
            ends = _moment(date) + timedelta(seconds=int(query["X-Amz-Expires"]))
        except (KeyError, ValueError):
            return "AuthorizationQueryParametersError"
        if datetime.now(UTC) > ends:
            return "AccessDenied"
        known = scope[0] == KEY and query.get("X-Amz-SignedHeaders") == "host"
        right = hmac.compare_digest(signature, _signature(environ, query, date, scope[1:]))
        return "" if known and right else "SignatureDoesNotMatch"


def _moment(date: str) -> datetime:
    return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _signature(environ: dict[str, Any], query: dict[str, str], date: str, scope: list[str]) -> str:
    path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/~")
    pairs = "&".join(f"{quote(name, safe='~')}={quote(query[name], safe='~')}" for name in sorted(query))
    request = "\n".join(
        [
            environ["REQUEST_METHOD"],
            path,
            pairs,
            f"host:{environ['HTTP_HOST']}",
            "",
            "host",
            "UNSIGNED-PAYLOAD",
        ]
    )
    digest = hashlib.sha256(request.encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(
        key, "\n".join(["AWS4-HMAC-SHA256", date, "/".join(scope), digest]).encode(), "sha256"
    ).hexdigest()


def main() -> None:
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import run_simple

    site = Signed(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", int(sys.argv[1]), site, threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main()
