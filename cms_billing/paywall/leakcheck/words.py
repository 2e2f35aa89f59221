"""Texts as words, and words as shingles: how a piece of a text is known again wherever it comes out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from html import unescape

# Words of one shingle. A field with fewer cannot be told from chance and is not looked for.
SHINGLE = 5
# Of as many neighbouring shingles one is kept (winnowing): every run of ``RUN`` words holds at least one that is.
WINDOW = 4
# Words in a row that count as a leak; a shorter field counts where it comes out whole.
RUN = SHINGLE + WINDOW - 1

_WORD = re.compile(r"\w+")
_TAG = re.compile(r"<[^<>]*>")


def plain(text: str) -> str:
    """Without tags and entities. Every tag parts words, here and in answers, so that both read the same."""
    if "<" in text:
        text = _TAG.sub(" ", text)
    return unescape(text) if "&" in text else text


def words_of(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def shingles(words: Sequence[str]) -> list[int]:
    """One number for each place where ``SHINGLE`` words follow each other; good in this process only."""
    return [hash(tuple(words[start : start + SHINGLE])) for start in range(len(words) - SHINGLE + 1)]


def winnow(numbers: Sequence[int]) -> set[int]:
    """The smallest of each window; all of a short text."""
    if len(numbers) <= WINDOW:
        return set(numbers)
    return {min(numbers[start : start + WINDOW]) for start in range(len(numbers) - WINDOW + 1)}


def common_run(text: Sequence[str], place: int, field: Sequence[str]) -> tuple[int, int]:
    """The longest stretch ``text[start:end]`` around ``place`` that stands in ``field`` word for word."""
    best = (place, place)
    wanted = list(text[place : place + SHINGLE])
    for at in _places(field, wanted):
        start, end = place, place + SHINGLE
        before, after = at, at + SHINGLE
        while start and before and text[start - 1] == field[before - 1]:
            start, before = start - 1, before - 1
        while end < len(text) and after < len(field) and text[end] == field[after]:
            end, after = end + 1, after + 1
        if end - start > best[1] - best[0]:
            best = (start, end)
    return best


def _places(field: Sequence[str], wanted: list[str]) -> Iterator[int]:
    for at in range(len(field) - SHINGLE + 1):
        if field[at] == wanted[0] and list(field[at : at + SHINGLE]) == wanted:
            yield at
