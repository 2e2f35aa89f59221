"""What only the site knows of debtors and contracts: salutation, phone, birth date, date of the contract.

``register(source)`` when the site starts. ``source(documents)`` gets the documents that are handed over and answers
``{document id: {column key: value}}`` in a constant number of queries; dates as ISO text, amounts as minor units. Birth
date and bank details are kept and written only where the agency's record allows them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cms_billing.faktura.models import Document

Source = Callable[[Sequence[Document]], Mapping[int, Mapping[str, Any]]]

_sources: list[Source] = []


def register(source: Source) -> None:
    if source not in _sources:
        _sources.append(source)


def unregister(source: Source) -> None:
    """For tests."""
    _sources.remove(source)


def details_of(documents: Sequence[Document]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {document.pk: {} for document in documents}
    for source in _sources:
        for document_id, values in source(documents).items():
            found.get(document_id, {}).update(values)
    return found
