"""Where a middleware stands, for the checks."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.module_loading import import_string


def place_of(wanted: str, names: Sequence[str]) -> int | None:
    """The index in MIDDLEWARE of the class at the dotted path ``wanted`` or of a subclass; None where it is missing."""
    base = import_string(wanted)
    for place, name in enumerate(names):
        try:
            middleware = import_string(name)
        except ImportError:
            continue
        if isinstance(middleware, type) and issubclass(middleware, base):
            return place
    return None
