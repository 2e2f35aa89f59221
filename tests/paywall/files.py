"""A closed collection with a document and an image, and a way to read what a response sends."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.core.files.base import ContentFile
from PIL import Image as Picture
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.models import Collection

from cms_billing.memberships.models import Plan

TEXT = b"The whole course as a document. " * 40


@dataclass
class Library:
    """``root / Course``, closed to all but members of ``plan``."""

    collection: Collection
    document: Any
    image: Any
    plan: Plan


def new_collection(name: str = "Course", *, under: Collection | None = None) -> Collection:
    return (under or Collection.get_first_root_node()).add_child(instance=Collection(name=name))


def new_document(collection: Collection, name: str = "handbook.pdf", content: bytes = TEXT) -> Any:
    return get_document_model().objects.create(
        title="Handbook", collection=collection, file=ContentFile(content, name=name)
    )


def new_image(collection: Collection, name: str = "chord.png") -> Any:
    drawn = BytesIO()
    Picture.new("RGB", (64, 48), "navy").save(drawn, "PNG")
    return get_image_model().objects.create(
        title="Chord", collection=collection, file=ContentFile(drawn.getvalue(), name=name)
    )


def sent(response: Any) -> bytes:
    return response.getvalue() if response.streaming else response.content
