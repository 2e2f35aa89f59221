"""Which bytes a ``Range`` header asks for (RFC 9110, section 14). Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))", re.IGNORECASE)


@dataclass(frozen=True)
class ByteRange:
    """``first`` to ``last``, both included, of a file of ``size`` bytes."""

    first: int
    last: int
    size: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        """As ``Content-Range`` says it."""
        return f"bytes {self.first}-{self.last}/{self.size}"


class NotSatisfiable(ValueError):
    """The range begins behind the end of the file."""


def asked_range(header: str, *, size: int) -> ByteRange | None:
    """The one range asked for; None for the whole file: no range, several of them, or nonsense, which a server may
    ignore. Raises NotSatisfiable."""
    found = _ONE_RANGE.fullmatch(header.replace(" ", ""))
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        first, last = max(0, size - int(suffix)), size - 1
        if int(suffix) == 0 or size == 0:
            raise NotSatisfiable
        return ByteRange(first, last, size)
    begin, end = int(first), int(last) if last else size - 1
    if last and end < begin:
        return None
    if begin >= size:
        raise NotSatisfiable
    return ByteRange(begin, min(end, size - 1), size)
