"""How we and Mollie call things: one reference for customer and mandate, and our key in Mollie's metadata."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

# Not there (any more): Mollie answers 410 for what was deleted.
GONE = (404, 410)
# Mollie's longest description.
_LONGEST_TEXT = 255


def method_reference(customer: str, mandate: str) -> str:
    """ "cst_x/mdt_y", what ``charge`` needs."""
    return f"{customer}/{mandate}"


def parts_of(reference: str) -> tuple[str, str]:
    """Customer and mandate of a method's reference; empty strings for what it is not."""
    customer, _slash, mandate = reference.partition("/")
    if not customer.startswith("cst_"):
        return "", ""
    return customer, mandate if mandate.startswith("mdt_") else ""


def key_in(thing: Mapping[str, Any]) -> uuid.UUID | None:
    """Our key, which we left in the metadata; None where somebody else made it."""
    metadata = thing.get("metadata")
    try:
        return uuid.UUID(metadata["key"]) if isinstance(metadata, Mapping) else None
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def moment(told: Any) -> datetime | None:
    """A point in time as Mollie tells it, or None where it tells none."""
    try:
        return datetime.fromisoformat(str(told))
    except ValueError:
        return None


def wanted_text(text: str, *, otherwise: object = "") -> str:
    """Mollie wants a description of every payment, and no more than 255 characters."""
    return (text or str(otherwise))[:_LONGEST_TEXT]
