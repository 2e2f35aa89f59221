"""What is not to be charged just now, or only in part: a door for the apps above, which know the reasons.

``register_hold(source)`` when the site starts. ``source(document_ids, today)`` answers for many documents at once, with
a constant number of queries: ``{document_id: reason}`` for those it holds back, the reason a sentence for people. Where
a part may be charged all the same (an instalment that is due), the value is a ``ChargeHold`` that says how much.

The daily run asks before it writes its charges, and the worker once more right before the call to the provider. What a
hold stops is charged by a later run when the hold is gone; attempts that are planned stay planned.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class ChargeHold:
    """``up_to_minor``: what may be charged today all the same, in minor units of the document's currency."""

    reason: str
    up_to_minor: int = 0


Source = Callable[[Collection[int], date], Mapping[int, str | ChargeHold]]

_sources: list[Source] = []


def register_hold(source: Source) -> None:
    if source not in _sources:
        _sources.append(source)


def unregister_hold(source: Source) -> None:
    """For tests."""
    _sources.remove(source)


def holds_on(document_ids: Collection[int], today: date) -> dict[int, ChargeHold]:
    """Those of the documents that are held back; of several holds the one that lets the least through."""
    found: dict[int, ChargeHold] = {}
    for source in _sources:
        for document_id, answer in source(document_ids, today).items():
            hold = answer if isinstance(answer, ChargeHold) else ChargeHold(str(answer))
            known = found.get(document_id)
            if known is None or hold.up_to_minor < known.up_to_minor:
                found[document_id] = hold
    return found
