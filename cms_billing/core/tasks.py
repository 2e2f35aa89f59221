from __future__ import annotations

import logging

from . import clock, copies, outbox

logger = logging.getLogger(__name__)


def work(label: str, pk: int) -> str:
    """Look at one row of outside work."""
    return outbox.work_on(outbox.model_of(label), pk, now=clock.now()).value


def sweep() -> int:
    """Scheduled every few minutes: find what a lost task forgot."""
    if copies.is_copy():
        # A worker may have other settings than the web server, whose pages say nothing of it then.
        what = "; ".join(
            f"{found.field}: {found.found!r}, not {found.confirmed!r}"
            for found in copies.differences_to_original()
        )
        logger.warning("This worker finds a copy of the database and sends nothing (%s).", what)
    return outbox.sweep(now=clock.now())
