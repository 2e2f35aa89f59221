"""Every way to a document or an image, and to lists of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wagtail.documents import get_document_model
from wagtail.images import get_image_model

from cms_billing.paywall.files.links import signed_url
from cms_billing.paywall.files.selectors import files_visible_to

from .asking import GUEST, NOBODY, Asking, Door, file_door
from .worlds import text_of


@file_door("document")
def _document(asking: Asking) -> set[int]:
    return sent_documents(asking, {n: file.url for n, file in asking.world.documents.items()})


@file_door("signed link of a document")
def _signed(asking: Asking) -> set[int]:
    documents = asking.world.documents
    if asking.person.kind == "guest":
        return asking.world.open_collections(asking.person)
    links = {n: signed_url(file, user=asking.user) for n, file in documents.items()}
    return sent_documents(asking, links, visitor=GUEST)


def sent_documents(asking: Asking, urls: dict[int, str], **options: Any) -> set[int]:
    found = set()
    for number, url in urls.items():
        answer = asking.ask(url, **options)
        if "/billing/files/" in answer.headers.get("Location", ""):
            answer = asking.ask(answer.headers["Location"], **options)
        if text_of(number).encode() in answer.body:
            found.add(number)
    return found


@file_door("image")
def _image(asking: Asking) -> set[int]:
    return sent_images(asking, {n: image.file.url for n, image in asking.world.images.items()})


@file_door("scaled copy of an image")
def _rendition(asking: Asking) -> set[int]:
    images = asking.world.images
    return sent_images(asking, {n: image.get_rendition("width-20").url for n, image in images.items()})


def sent_images(asking: Asking, urls: dict[int, str]) -> set[int]:
    """What the web server hands out asks nobody."""
    public = {n for n, url in urls.items() if url.startswith("/media/")}
    return public | {
        n for n, url in urls.items() if n not in public and asking.ask(url).body.startswith(b"\x89PNG")
    }


def listed(find: Callable[[Asking, str], set[int]]) -> Door:
    """Both kinds of files are asked for, and agree."""

    def ask(asking: Asking) -> set[int]:
        documents, images = find(asking, "documents"), find(asking, "images")
        found = {n for n, file in asking.world.documents.items() if file.pk in documents}
        assert found == {n for n, file in asking.world.images.items() if file.pk in images}
        return found

    return ask


@file_door("files_visible_to")
@listed
def _files_visible(asking: Asking, kind: str) -> set[int]:
    model = get_document_model() if kind == "documents" else get_image_model()
    return {file.pk for file in files_visible_to(model.objects.all(), **asking.who)}


@file_door("API v2, files")
@listed
def _files_v2(asking: Asking, kind: str) -> set[int]:
    return set(asking.items(f"/api/v2/{kind}/"))


@file_door("API v3, files", person=NOBODY)
@listed
def _files_v3(asking: Asking, kind: str) -> set[int]:
    return set(asking.items(f"/api/v3/{kind}/"))
