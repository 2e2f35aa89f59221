"""The index of what must not come out: shingles of all closed pages, in a scratch file so that memory stays flat.

The file is SQLite's own temporary database: it holds the texts of closed pages while the check runs, is readable by
nobody else, and is gone with the process.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from .segments import Segment
from .words import RUN, SHINGLE, common_run, shingles, winnow, words_of

# An open page that has so much of a closed page's text is a copy of it, not the reason to call that text public.
COPY_SHARE, COPY_SHINGLES = 0.5, 12
# Stretches of one page that are looked at in one place of an answer.
RUNS_A_PAGE = 8
# Fields whose words are kept in memory: a book of a page has thousands of them.
FIELDS_KEPT = 50


class Hit(NamedTuple):
    """Words of a closed page in an answer: whose, from which field, at which place, and the words themselves."""

    page_id: int
    field: str
    place: str
    snippet: str


class Fingerprints:
    """Add the closed pages, take away what is public, then ask."""

    def __init__(self) -> None:
        # An empty name: a private file that SQLite deletes.
        self.store = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self.store.executescript(
            "CREATE TABLE field (id INTEGER PRIMARY KEY, page INTEGER, name TEXT, words TEXT);"
            "CREATE TABLE shingle (hash INTEGER, field INTEGER, PRIMARY KEY (hash, field)) WITHOUT ROWID;"
            "CREATE INDEX of_page ON field (page);"
        )
        self._words_of_field = lru_cache(maxsize=FIELDS_KEPT)(self._load_words)

    def close(self) -> None:
        self.store.close()

    def add(self, page_id: int, name: str, text: str) -> None:
        words = words_of(text)
        if len(words) < SHINGLE:
            return
        row = self.store.execute(
            "INSERT INTO field (page, name, words) VALUES (?, ?, ?)", (page_id, name, " ".join(words))
        )
        self.store.executemany(
            "INSERT OR IGNORE INTO shingle VALUES (?, ?)",
            ((number, row.lastrowid) for number in winnow(shingles(words))),
        )

    def take_away(self, texts: Iterable[str]) -> None:
        """These words may be read by everybody, wherever they stand."""
        numbers = {number for text in texts for number in shingles(words_of(text))}
        self.store.executemany("DELETE FROM shingle WHERE hash = ?", ((number,) for number in numbers))

    def copied_in(self, texts: Sequence[str]) -> list[tuple[int, str]]:
        """``(page id, field)`` of closed pages whose text these open ones have for the most part."""
        numbers = {number for text in texts for number in shingles(words_of(text))}
        found: dict[int, int] = {}
        for _number, field in self._known(numbers):
            found[field] = found.get(field, 0) + 1
        copies = []
        for field, count in found.items():
            total = self.store.execute("SELECT count(*) FROM shingle WHERE field = ?", (field,)).fetchone()[0]
            if count >= COPY_SHINGLES and count >= COPY_SHARE * total:
                copies.append(
                    self.store.execute("SELECT page, name FROM field WHERE id = ?", (field,)).fetchone()
                )
        return copies

    @property
    def pages(self) -> int:
        """Closed pages that have a text to look for."""
        return self.store.execute(
            "SELECT count(DISTINCT page) FROM field JOIN shingle ON shingle.field = field.id"
        ).fetchone()[0]

    def hits(self, segments: Iterable[Segment]) -> Iterator[Hit]:
        """The words of closed pages in each place: stretches that are no chance, some of each page."""
        for segment in segments:
            words = words_of(segment.text)
            places = {number: at for at, number in reversed(list(enumerate(shingles(words))))}
            found: dict[int, list[tuple[int, int]]] = {}
            for number, field in self._known(places):
                page, name, text = self._words_of_field(field)
                runs = found.setdefault(page, [])
                at = places[number]
                if len(runs) >= RUNS_A_PAGE or any(start <= at < end for start, end in runs):
                    continue
                start, end = common_run(words, at, text)
                if end - start >= min(RUN, len(text)):
                    runs.append((start, end))
                    yield Hit(page, name, segment.place, " ".join(words[start:end]))

    def says(self, page_ids: Iterable[int], snippet: str) -> bool:
        """Do these words stand in one of the pages, too?"""
        known = "SELECT 1 FROM field WHERE page = ? AND instr(words, ?) LIMIT 1"
        return any(self.store.execute(known, (page_id, snippet)).fetchone() for page_id in page_ids)

    def _known(self, numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
        known = "SELECT hash, field FROM shingle WHERE hash IN (SELECT value FROM json_each(?))"
        yield from self.store.execute(known, (json.dumps(list(numbers)),)).fetchall()

    def _load_words(self, field: int) -> tuple[int, str, list[str]]:
        page, name, words = self.store.execute(
            "SELECT page, name, words FROM field WHERE id = ?", (field,)
        ).fetchone()
        return page, name, words.split(" ")
