"""What becomes of money that was paid on a provider's page. Each purpose knows; apps above register theirs.

``complete`` is called outside a transaction, with what the provider said just now, and again after a crash. It returns
the function that records the result in the transaction that marks the work done. A ``BillingError`` it raises puts the
session into the repair inbox, with its sentence; ``NotYet`` and ``ProviderDown`` are tried again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from django.http import HttpRequest

from .models import PaymentSession
from .providers import PageNotice


class Completion(Protocol):
    def complete(
        self, session: PaymentSession, notice: PageNotice, *, asked_at: datetime
    ) -> Callable[[], object] | None:
        """Put the money where it belongs."""
        ...

    def next_url(self, request: HttpRequest, session: PaymentSession) -> str:
        """Where the payer goes after the page, however it went; the session was asked about just now."""
        ...


_completions: dict[str, Completion] = {}


def register_completion(purpose: str, completion: Completion) -> None:
    _completions[purpose] = completion


def completion_of(purpose: str) -> Completion:
    """Raises LookupError for a purpose of an app that is not installed any more."""
    return _completions[purpose]
