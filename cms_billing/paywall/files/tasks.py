"""What the schedules call."""

from __future__ import annotations

from .moving import settle_files


def settle() -> int:
    """Files that went to the wrong side without telling anybody: changed past Django, or scaled while they moved."""
    return settle_files()
