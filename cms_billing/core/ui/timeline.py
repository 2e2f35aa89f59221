"""What happened with a row, in order: events of many sources in one list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from wagtail.models import ModelLogEntry

from .sections import Section


@dataclass(frozen=True)
class Event:
    """``at`` is aware; ``who`` a name or empty where the machine did it; ``tone`` "", "good", "warning", "critical"."""

    at: datetime
    text: Any
    who: str = ""
    detail: Any = ""
    url: str | None = None
    tone: str = ""


class TimelineSection(Section):
    template_name = "cms_billing/core/admin/timeline_section.html"

    def __init__(self, title: Any, events: Iterable[Event], **kwargs: Any) -> None:
        super().__init__(title, **kwargs)
        self.events = sorted(events, key=lambda event: event.at)


def name_of(user: Any) -> str:
    return (user.get_full_name() or user.get_username()) if user is not None else ""


def logged_events(row: Model, *, details: Iterable[str] = ()) -> Iterable[Event]:
    """What Wagtail's log knows of a row; one query. ``details``: keys of the logged data worth showing."""
    kind = ContentType.objects.get_for_model(row, for_concrete_model=False)
    entries = ModelLogEntry.objects.filter(content_type=kind, object_id=str(row.pk)).select_related("user")
    for entry in entries.order_by("timestamp", "pk"):
        data = entry.data if isinstance(entry.data, dict) else {}
        yield Event(
            entry.timestamp,
            entry.message,
            who=name_of(entry.user),
            detail=", ".join(str(data[key]) for key in details if data.get(key)),
        )
