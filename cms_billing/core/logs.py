"""Wagtail's history for many rows of one model in one statement; ``wagtail.log_actions.log`` takes three a row."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import timezone
from wagtail.models import ModelLogEntry


def log_all(
    rows: Sequence[Model],
    *,
    action: str,
    user: Any = None,
    data_of: Callable[[Any], dict[str, Any]] = lambda row: {},
) -> None:
    """Record ``action`` on rows of one model; ``data_of`` gives what is kept with each."""
    if not rows:
        return
    content_type = ContentType.objects.get_for_model(rows[0], for_concrete_model=False)
    together, now = uuid.uuid4(), timezone.now()
    ModelLogEntry.objects.bulk_create(
        ModelLogEntry(
            content_type=content_type,
            object_id=str(row.pk),
            label=str(row)[:200],
            action=action,
            user=user,
            uuid=together,
            timestamp=now,
            data=data_of(row),
            content_changed=False,
            deleted=False,
        )
        for row in rows
    )
