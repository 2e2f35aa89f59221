"""One storage with two sides: what is public, and what only some may have. The name says on which side a file is.

STORAGES = {
    "default": {"BACKEND": "cms_billing.paywall.files.storage.MediaStorage"},
    "cms_billing_private": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": "/srv/site/private", "base_url": None},
    },
    …
}

The public side is Django's file system storage at MEDIA_ROOT, or the alias given as ``OPTIONS = {"public": "s3"}``.
"""

from __future__ import annotations

from datetime import datetime
from os import PathLike
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.urls import reverse
from django.utils.deconstruct import deconstructible
from django.utils.functional import cached_property

from cms_billing.core.private_files import private_storage

from .names import PRIVATE, is_private


@deconstructible(path="cms_billing.paywall.files.storage.MediaStorage")
class MediaStorage(Storage):
    def __init__(self, public: str = "") -> None:
        self._public_alias = public

    @cached_property
    def public(self) -> Storage:
        return storages[self._public_alias] if self._public_alias else FileSystemStorage()

    def side_of(self, name: str) -> Storage:
        return private_storage() if is_private(name) else self.public

    def open(self, name: str, mode: str = "rb") -> File:
        return self.side_of(name).open(name, mode)

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        return self.side_of(name or content.name).save(name, content, max_length=max_length)

    def get_valid_name(self, name: str) -> str:
        return self.public.get_valid_name(name)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return self.side_of(name).get_available_name(name, max_length=max_length)

    def generate_filename(self, filename: str | PathLike[str]) -> str:
        return self.side_of(str(filename)).generate_filename(filename)

    def path(self, name: str) -> str:
        return self.side_of(name).path(name)

    def delete(self, name: str) -> None:
        self.side_of(name).delete(name)

    def exists(self, name: str) -> bool:
        return self.side_of(name).exists(name)

    def listdir(self, path: str) -> Any:
        return self.side_of(path).listdir(path)

    def size(self, name: str) -> int:
        return self.side_of(name).size(name)

    def url(self, name: str | None) -> str:
        """Of a private file the address that asks the paywall, whoever looks: it may stand in any page."""
        if name and name.startswith(PRIVATE):
            folder, _slash, file = name.removeprefix(PRIVATE).partition("/")
            return reverse("cms_billing:private_file", args=[folder, file])
        if is_private(name):
            raise NotImplementedError("An upload that is not filed yet has no address.")
        return self.public.url(name)

    def get_accessed_time(self, name: str) -> datetime:
        return self.side_of(name).get_accessed_time(name)

    def get_created_time(self, name: str) -> datetime:
        return self.side_of(name).get_created_time(name)

    def get_modified_time(self, name: str) -> datetime:
        return self.side_of(name).get_modified_time(name)

    def __getattr__(self, name: str) -> Any:
        """``location``, ``bucket`` and the like are the public side's."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.public, name)


def keeps_apart(storage: Storage) -> bool:
    """Does this storage know the two sides? Behind ``default_storage`` as well."""
    return isinstance(storage, MediaStorage)
