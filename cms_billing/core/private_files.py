"""Files that no web server hands out by itself: where they are kept, and how one is sent once somebody may have it.

The sender answers HEAD, ranges and conditional requests. Where ``SENDFILE_BACKEND`` is set (as Wagtail reads it, for
django-sendfile2) the web server sends what lies on this machine; with ``CMS_BILLING["FILES_SENT_BY_STORAGE"]`` an
object storage does, at an address that it signs itself.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from mimetypes import guess_type
from typing import Any

from django.conf import settings
from django.core.files.storage import Storage, storages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import content_disposition_header, http_date

from .byte_ranges import ByteRange, NotSatisfiable, asked_range
from .conf import billing_settings

CHUNK = 64 * 1024


@dataclass(frozen=True)
class PrivateFile:
    """A file in the private storage as its app gives it out, for audits: who may have it (a function of user and day),
    and the address that one person gets, where there is one."""

    title: str
    name: str
    may_have: Callable[[Any, date], bool]
    url_for: Callable[[Any], str] | None = None


_sources: list[Callable[[], Iterable[PrivateFile]]] = []


def register_private_files(source: Callable[[], Iterable[PrivateFile]]) -> None:
    """Once, when the app is ready: the files that it keeps private."""
    if source not in _sources:
        _sources.append(source)


def private_files() -> Iterator[PrivateFile]:
    for source in _sources:
        yield from source()


def private_storage() -> Storage:
    """The storage that no address leads to; raises InvalidStorageError where STORAGES has none (check E145)."""
    return storages[billing_settings().private_storage]


def send(
    request: HttpRequest,
    storage: Storage,
    name: str,
    *,
    filename: str = "",
    content_type: str = "",
    disposition: str = "inline",
) -> HttpResponseBase:
    """The file ``name`` for somebody who may have it, kept by no cache. Raises Http404 where it is gone."""
    filename = filename or os.path.basename(name)
    response = _answer(request, storage, name)
    if response.status_code in (200, 206):
        response["Content-Type"] = content_type or guess_type(filename)[0] or "application/octet-stream"
        response["Content-Disposition"] = str(
            content_disposition_header(disposition == "attachment", filename)
        )
    # Nothing inside may run as if it were a page of this site.
    response["Content-Security-Policy"] = "default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    # Open to a crawler today (a day on which everybody reads) is not open for good.
    response["X-Robots-Tag"] = "noindex, noarchive"
    return for_one_person(response)


def for_one_person(response: HttpResponseBase) -> HttpResponseBase:
    response["Cache-Control"] = "private, no-store"
    patch_vary_headers(response, ["Cookie"])
    return response


def _answer(request: HttpRequest, storage: Storage, name: str) -> HttpResponseBase:
    if not storage.exists(name):
        raise Http404(f"{name} is not there.")
    path = _local_path(storage, name)
    # An address is signed for GET; HEAD is answered here.
    if path is None and billing_settings().files_sent_by_storage and request.method != "HEAD":
        return redirect(storage.url(name))
    if path is not None and getattr(settings, "SENDFILE_BACKEND", None):
        from wagtail.utils.sendfile import sendfile

        response = sendfile(request, path)
        # Wagtail's copy of the library says “None” for files that are not compressed.
        if response.headers.get("Content-Encoding") in (None, "None"):
            del response["Content-Encoding"]
        return response
    return _by_ourselves(request, storage, name)


def _by_ourselves(request: HttpRequest, storage: Storage, name: str) -> HttpResponseBase:
    size, modified = storage.size(name), _modified(storage, name)
    etag = _etag(name, size, modified)
    seconds = int(modified.timestamp()) if modified else None
    known = get_conditional_response(request, etag=etag, last_modified=seconds)
    if known is not None:
        return known
    response = _bytes(request, storage, name, size=size, etag=etag, seconds=seconds)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    if seconds is not None:
        response["Last-Modified"] = http_date(seconds)
    return response


def _bytes(
    request: HttpRequest, storage: Storage, name: str, *, size: int, etag: str, seconds: int | None
) -> HttpResponseBase:
    try:
        part = asked_range(_range_header(request, etag, seconds), size=size)
    except NotSatisfiable:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    if part is None:
        # Opening it for its headers alone could fetch all of it from an object storage.
        head = request.method == "HEAD"
        response: HttpResponseBase = HttpResponse() if head else FileResponse(storage.open(name, "rb"))
        response["Content-Length"] = str(size)
        return response
    response = StreamingHttpResponse(_read(storage, name, part), status=206)
    response["Content-Range"] = str(part)
    response["Content-Length"] = str(part.length)
    return response


def _range_header(request: HttpRequest, etag: str, seconds: int | None) -> str:
    """Ranges are for GET, and hold only for the file that ``If-Range`` speaks of."""
    only_if = request.headers.get("If-Range", "")
    if request.method != "GET" or (only_if and only_if not in (etag, http_date(seconds))):
        return ""
    return request.headers.get("Range", "")


def _read(storage: Storage, name: str, part: ByteRange) -> Iterator[bytes]:
    with storage.open(name, "rb") as file:
        file.seek(part.first)
        left = part.length
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk


def _local_path(storage: Storage, name: str) -> str | None:
    try:
        return storage.path(name)
    except NotImplementedError:
        return None


def _modified(storage: Storage, name: str) -> datetime | None:
    try:
        return storage.get_modified_time(name)
    except NotImplementedError:
        return None


def _etag(*facts: Any) -> str:
    return f'"{hashlib.sha256(repr(facts).encode()).hexdigest()[:32]}"'
