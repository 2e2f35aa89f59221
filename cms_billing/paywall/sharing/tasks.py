"""What the schedules call."""

from __future__ import annotations

from cms_billing.core import clock

from .services import forget_old


def forget() -> tuple[int, int]:
    """Free reads and gift links of the past are nobody's business any more."""
    return forget_old(today=clock.today())
