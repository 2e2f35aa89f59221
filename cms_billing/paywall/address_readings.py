"""Does an address lie below a guarded beginning, however it is spelt? Pure functions.

Whoever answers an address may read it in ways of its own: decode it once more, drop empty and dotted segments, take
capitals for small letters, leave out a language. So every reading counts: closing too much here is a page that nobody
can tell from one that is not there; closing too little is a leak.
"""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

# A path that is still encoded after as many rounds is nobody's.
ROUNDS = 4


def prefix_of(path: str, prefixes: Iterable[str], *, languages: Iterable[str] = ()) -> str | None:
    """The longest of ``prefixes`` that some reading of ``path`` lies below, or None. ``path`` as the application gets
    it: without the script's name, without the query."""
    readings = set(_readings(path, tuple(languages)))
    below = [
        prefix for prefix in prefixes if any(_is_below(reading, _normal(prefix)) for reading in readings)
    ]
    return max(below, key=len, default=None)


def _is_below(path: str, prefix: str) -> bool:
    """``/members`` and ``/members/…`` are below ``/members/``, ``/membership`` is not."""
    return f"{path}/".startswith(f"{prefix.rstrip('/')}/")


def _readings(path: str, languages: tuple[str, ...]) -> Iterator[str]:
    for spelt in _decoded(path):
        # “;” and backslashes part segments for some servers.
        for variant in (spelt, spelt.replace("\\", "/"), _without_parameters(spelt)):
            reading = _normal(variant)
            yield reading
            first, _slash, rest = reading.lstrip("/").partition("/")
            if first in languages:
                yield f"/{rest}"


def _decoded(path: str) -> Iterator[str]:
    for _round in range(ROUNDS):
        yield path
        if (further := unquote(path)) == path:
            return
        path = further


def _without_parameters(path: str) -> str:
    return "/".join(segment.partition(";")[0] for segment in path.split("/"))


def _normal(path: str) -> str:
    """One leading slash, no empty or dotted segments, one case, one form of each letter, nothing invisible."""
    text = unicodedata.normalize("NFKC", path).casefold()
    text = "".join(sign for sign in text if sign.isprintable()).strip()
    return "/" + posixpath.normpath("/" + text.strip("/ ")).lstrip("/")
