"""Hints for the workers. The database is the queue of truth; a task only says "look at this row"."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from django.db import transaction

logger = logging.getLogger(__name__)


def enqueue(task: str, *args: Any) -> None:
    """After commit, ask the workers to call the function at the dotted path ``task``.

    A broker that does not answer costs the hint, not the work: the sweeper and the next daily run find the row.
    """
    transaction.on_commit(partial(_send, task, *args), robust=True)


def _send(task: str, *args: Any) -> None:
    from django_q.tasks import async_task

    try:
        async_task(task, *args)
    except Exception:
        logger.warning(
            "The broker took no hint for %s%r; the sweeper will find the work.", task, args, exc_info=True
        )
