"""Tasks: hints to look at rows that are there; losing one loses nothing."""

from __future__ import annotations

from cms_billing.core import clock

from .models import Issuer
from .services import finalise_next_drafts


def issue_due_drafts(issuer_id: int) -> int:
    """Issue all drafts of an issuer whose day has come; returns how many."""
    issuer = Issuer.objects.get(pk=issuer_id)
    today = clock.today(issuer)
    done, after = 0, 0
    while True:
        chunk = finalise_next_drafts(issuer=issuer, today=today, after_document=after, wait=True)
        if chunk.last_document is None:
            return done
        done, after = done + len(chunk.done), chunk.last_document
