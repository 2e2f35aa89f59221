"""A file's name says where it is: names that begin with ``PRIVATE`` lie in the private storage. Pure functions."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum

PRIVATE = "protected/"
# What editors have uploaded to Wagtail but not described yet; nobody opens these by an address.
NOT_FILED_YET = "wagtail_uploads/"

_NAME = re.compile(r"protected/(?P<folder>(?P<kind>[dir])(?P<key>[0-9A-Za-z]+))/(?P<file>[^/]+)")


class Kind(StrEnum):
    """The first letter of a private file's folder."""

    DOCUMENT = "d"
    IMAGE = "i"
    RENDITION = "r"


@dataclass(frozen=True)
class PrivateName:
    """``image_id``: of renditions, the image that they show."""

    kind: Kind
    folder: str
    file: str
    image_id: int = 0

    @property
    def name(self) -> str:
        return f"{PRIVATE}{self.folder}/{self.file}"


def is_private(name: str | None) -> bool:
    return (name or "").startswith((PRIVATE, NOT_FILED_YET))


# Wagtail's addresses of images leave out as many characters as “original_images/” has, and allow no slash after them.
KEY_LENGTH = len("original_images/") - len(PRIVATE) - len("d/")


def private_name(kind: Kind, key: str, file: str, *, longest: int = 100) -> str:
    """Where a document or image goes; the stem is cut where the column would not take it."""
    folder = f"{PRIVATE}{kind.value}{key}/"
    stem, extension = os.path.splitext(os.path.basename(file))
    return f"{folder}{stem[: longest - len(folder) - len(extension)]}{extension}"


def rendition_folder(image_id: int) -> str:
    return f"{PRIVATE}{Kind.RENDITION.value}{image_id}/"


def read_name(name: str) -> PrivateName | None:
    """None for what is no private name of ours."""
    found = _NAME.fullmatch(name)
    if found is None or found["file"] in (".", ".."):
        return None
    kind = Kind(found["kind"])
    if kind is Kind.RENDITION and not found["key"].isdecimal():
        return None
    image_id = int(found["key"]) if kind is Kind.RENDITION else 0
    return PrivateName(kind, found["folder"], found["file"], image_id)
