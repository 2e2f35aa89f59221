"""What a check finds, and how bad it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _


class Kind(StrEnum):
    """Red are what came out and members' text that a cache may keep; the others are yellow."""

    TEXT = "text"
    FILE = "file"
    VIEW = "view"
    CACHED = "cached"
    TEASER = "teaser"
    COPY = "copy"
    BROKEN = "broken"
    ERROR = "error"

    @property
    def is_leak(self) -> bool:
        return self in (Kind.TEXT, Kind.FILE, Kind.VIEW, Kind.CACHED)


SENTENCES = {
    Kind.TEXT: _("Text of a closed page came out."),
    Kind.FILE: _("A file came out that belongs to something closed."),
    Kind.VIEW: _("A view for members answered somebody who is none."),
    Kind.CACHED: _("The full text may be kept by caches: its answer is not “private, no-store”."),
    Kind.TEASER: _("The teaser for guests cannot be kept by caches: it sets a cookie or forbids it."),
    Kind.COPY: _("An open page has most of the text of a closed one."),
    Kind.BROKEN: _("The page shows a file of a closed collection: this visitor sees a broken picture."),
    Kind.ERROR: _("The address could not be checked."),
}


@dataclass(frozen=True)
class Finding:
    kind: Kind
    door: str
    url: str
    visitor: str = ""
    method: str = "GET"
    page_id: int | None = None
    page: str = ""
    rule_page_id: int | None = None
    # Where in the answer: "meta og:description", "json items[0].body"; and from which field of the page.
    place: str = ""
    field: str = ""
    snippet: str = ""
    # “image 12”: the document or image that it is about.
    file: str = ""

    @property
    def is_leak(self) -> bool:
        return self.kind.is_leak

    @property
    def sentence(self) -> str:
        return str(SENTENCES[self.kind])

    @property
    def same(self) -> tuple[Any, ...]:
        """Findings that are one for people: the same place for another visitor is not told again."""
        return (self.kind, self.door, self.method, self.url, self.page_id, self.place, self.field)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "kind": str(self.kind), "sentence": self.sentence, "is_leak": self.is_leak}
