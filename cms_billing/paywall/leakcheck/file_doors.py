"""Files: documents that only closed pages use, files of closed collections, and what other apps keep private."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.urls import NoReverseMatch, reverse
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.images.views.serve import generate_signature
from wagtail.models import Page, ReferenceIndex

from cms_billing.core.private_files import PrivateFile, private_files, private_storage

from ..files.collections import closed_collections
from ..files.links import signed_url
from ..files.moving import model_of
from ..files.selectors import ProtectedFile, protected_files
from ..models import FileMove
from .clients import Probe
from .ground import Ground
from .visitors import Visitor

# Where Wagtail puts files that are public; one that was closed later may still lie there, or in a cache.
OLD_PLACES = {FileMove.Kind.DOCUMENT: "documents/", FileMove.Kind.IMAGE: "original_images/"}
OLD_RENDITIONS = "images/"

_files: list[Callable[[Ground], Iterable[Probe]]] = []


def register_files(files: Callable[[Ground], Iterable[Probe]]) -> None:
    """A function that yields probes with ``file_of`` or ``may_have`` for the door “file”."""
    if files not in _files:
        _files.append(files)


class DocumentsDoor:
    """Documents that only closed pages use, at Wagtail's address and at the one of the file."""

    name = "document"

    def probes(self, ground: Ground) -> Iterator[Probe]:
        closed = set(ground.ids("closed"))
        # Closed collections have rules of their own: the door “file” asks for those.
        open_ones = get_document_model().objects.exclude(collection__in=closed_collections())
        for document in open_ones.order_by("pk").iterator(chunk_size=200):
            pages = pages_that_use(document)
            if pages and pages <= closed:
                for url in {document.url, _file_url(document.file)} - {""}:
                    yield Probe(self.name, url, file_of=tuple(sorted(pages)))


class FilesDoor:
    """Documents, images and renditions of closed collections at every address, old ones and signed links included,
    files in the private storage of other apps, and those named by ``register_files``."""

    name = "file"

    def probes(self, ground: Ground) -> Iterator[Probe]:
        for file in protected_files():
            allowed: dict[str, Any] = {"may_have": partial(_may_have, file, ground)}
            for url in (*file.urls, *_made_on_request(file)):
                yield Probe(self.name, url, **allowed)
            yield Probe(
                self.name, _signed(file.title), url_for=partial(_link_to, file), variant=True, **allowed
            )
            for url in _old_addresses(file):
                yield Probe(self.name, url, variant=True, is_it=partial(_is_file, file), **allowed)
        for private in private_files():
            yield from self._private(private, ground)
        for files in _files:
            yield from files(ground)

    def _private(self, file: PrivateFile, ground: Ground) -> Iterator[Probe]:
        allowed: dict[str, Any] = {"may_have": partial(_may_have_private, file, ground)}
        if file.url_for:
            url_for = partial(_for_holder, file.url_for)
            yield Probe(self.name, _signed(file.title), url_for=url_for, variant=True, **allowed)
        for url in _web_server_addresses(file.name):
            is_it = partial(_is_stored, private_storage(), file.name)
            yield Probe(self.name, url, variant=True, is_it=is_it, **allowed)


def _may_have(file: ProtectedFile, ground: Ground, visitor: Visitor) -> bool:
    return visitor.may_have(file.kind, file.id, today=ground.today)


def _may_have_private(file: PrivateFile, ground: Ground, visitor: Visitor) -> bool:
    return file.may_have(visitor.person(), ground.today)


def _signed(title: str) -> str:
    return f"signed link: {title}"


def _link_to(file: ProtectedFile, person: Any) -> str:
    found = model_of(file.kind).objects.get(pk=file.id)
    return _for_holder(lambda holder: signed_url(found, user=holder), person)


def _for_holder(url_for: Callable[[Any], str], person: Any) -> str:
    """A guest comes with the link of somebody who is not there: it opens nothing."""
    return url_for(person if person.pk else SimpleNamespace(pk=0))


def _made_on_request(file: ProtectedFile) -> Iterator[str]:
    """Wagtail makes any rendition of an image at an address that is signed, where the site has its view."""
    if file.kind != FileMove.Kind.IMAGE:
        return
    for spec in ("original", "width-400"):
        try:
            signature = generate_signature(file.id, spec, None)
            yield reverse("wagtailimages_serve", args=[signature, file.id, spec])
        except NoReverseMatch:
            return


def _old_addresses(file: ProtectedFile) -> list[str]:
    """Where a web server hands the file out past the site: its name from before its collection was closed, and its
    private name, should the private folder be in reach."""
    names = [file.name, OLD_PLACES[FileMove.Kind(file.kind)] + os.path.basename(file.name)]
    names += [OLD_RENDITIONS + os.path.basename(url) for url in file.urls if "." in os.path.basename(url)]
    public = getattr(default_storage, "public", None)
    found = [_url_in(public, name) for name in dict.fromkeys(names)] if public is not None else []
    return [url for url in [*found, *_web_server_addresses(file.name)] if url and url not in file.urls]


def _web_server_addresses(name: str) -> list[str]:
    """The folder that only the web server itself may read (``internal``), and the one of public files."""
    bases = [getattr(settings, "SENDFILE_URL", ""), settings.MEDIA_URL]
    return list(dict.fromkeys(f"{base.rstrip('/')}/{name}" for base in bases if base))


def _url_in(storage: Any, name: str) -> str:
    try:
        return storage.url(name)
    except (ValueError, NotImplementedError):
        return ""


def _is_file(file: ProtectedFile, body: bytes) -> bool:
    """Is the answer this file, or a picture made of it? Another file may have taken its old name."""
    row = model_of(file.kind).objects.filter(pk=file.id).first()
    if row is None:
        return False
    renditions = row.renditions.all() if isinstance(row, get_image_model()) else ()
    return any(
        _is_stored(found.storage, found.name, body) for found in (row.file, *(r.file for r in renditions))
    )


def _is_stored(storage: Any, name: str, body: bytes) -> bool:
    try:
        with storage.open(name, "rb") as stored:
            return stored.read(len(body)) == body
    except OSError:
        return False


def pages_that_use(thing: Any) -> set[int]:
    """Ids of the live pages that refer to a document or image; 0 for anything else that does."""
    pages = set()
    for group in ReferenceIndex.get_grouped_references_to(thing):
        source = group[0]
        pages.add(source.pk if isinstance(source, Page) else 0)
    return pages


def _file_url(file: Any) -> str:
    return _url_in(file.storage, file.name) if file else ""
