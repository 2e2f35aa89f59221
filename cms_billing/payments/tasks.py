"""What the schedules call."""

from __future__ import annotations

from datetime import timedelta

from cms_billing.core import clock

from .services import look_up_open_sessions

# Whoever is still typing is not asked about.
SILENT_FOR = timedelta(minutes=10)


def look_up_pages() -> int:
    """Pages that nobody came back from, and of which no webhook told: closed browsers, lost news."""
    return look_up_open_sessions(now=clock.now(), older_than=SILENT_FOR)
