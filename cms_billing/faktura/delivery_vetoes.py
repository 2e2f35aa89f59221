"""Is this mail still wanted? An app above may withdraw a document that has not been sent yet.

    delivery_vetoes.register_veto(DocumentKind.DUNNING_LETTER, reason_to_withdraw)

``reason_to_withdraw(document) -> str`` returns a sentence for the person who asks why it was not sent, or "" to send.
Asked right before a first delivery; a document that an editor sends again is always sent.
"""

from __future__ import annotations

from collections.abc import Callable

from .models import Document

Veto = Callable[[Document], str]

_vetoes: dict[str, list[Veto]] = {}


def register_veto(kind: str, veto: Veto) -> None:
    if veto not in _vetoes.setdefault(kind, []):
        _vetoes[kind].append(veto)


def reason_to_withdraw(document: Document) -> str:
    """Why ``document`` must not go out any more, or ""."""
    return next((reason for veto in _vetoes.get(document.kind, ()) if (reason := veto(document))), "")
