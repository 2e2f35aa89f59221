"""What apps above have to say of a document on the payment page: that somebody else collects it by now.

``register_note(source)`` when the site starts. ``source(document_ids)`` answers for many documents at once with a
constant number of queries: ``{document_id: PageNote}`` for those it has something to say of, in the reader's language.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PageNote:
    """``payable``: False where it cannot be paid here any more."""

    text: str
    payable: bool = True


Source = Callable[[Collection[int]], Mapping[int, PageNote]]

_sources: list[Source] = []


def register_note(source: Source) -> None:
    if source not in _sources:
        _sources.append(source)


def notes_on(document_ids: Collection[int]) -> dict[int, PageNote]:
    """Of several notes on a document the one that forbids to pay it."""
    found: dict[int, PageNote] = {}
    for source in _sources:
        for document_id, note in source(document_ids).items():
            if document_id not in found or not note.payable:
                found[document_id] = note
    return found
