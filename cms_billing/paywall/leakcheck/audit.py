"""The check itself: fingerprints of what is closed, every probe of every door as every visitor, and what is found."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from wagtail.models import Page

from ..rule_map import current_rules
from .clients import Answer, Probe
from .doors import Door, registered_doors
from .findings import Finding, Kind
from .fingerprints import Fingerprints, Hit
from .ground import Ground
from .pictures import ShownFile, shown_files
from .redirects import followed, gives_a_file_away
from .segments import segments
from .texts_of import public_texts_of, texts_of
from .visitors import Visitor

# Answers whose hits are remembered: the same teaser comes for every visitor.
REMEMBERED = 200
LONGEST_SNIPPET = 160
PAGE_DOORS = ("page", "other page")
NOT_THERE = (400, 404, 410, 421)

T = TypeVar("T")


@dataclass
class Audit:
    """One check. ``prepare()``, then ``run()``; ``asked`` and ``total`` say how far it is."""

    ground: Ground
    visitors: Sequence[Visitor]
    doors: Sequence[Door] = field(default_factory=registered_doors)
    # Called after every request.
    tell: Callable[[Audit], Any] | None = None
    asked: int = 0
    total: int = 0
    closed: int = 0

    def __post_init__(self) -> None:
        self.fingerprints = Fingerprints()
        self._hits: OrderedDict[bytes, list[Hit]] = OrderedDict()
        self._shown: OrderedDict[bytes, list[ShownFile]] = OrderedDict()
        self._pages: OrderedDict[int, Page | None] = OrderedDict()
        self._may: OrderedDict[tuple[str, str, int], bool] = OrderedDict()

    def close(self) -> None:
        self.fingerprints.close()
        self.ground.client.close()

    def prepare(self) -> Iterator[Finding]:
        """Reads the pages; finds open ones that are copies of closed ones."""
        for page in self.ground.closed_pages():
            for name, text in texts_of(page):
                self.fingerprints.add(page.pk, name, text)
        rules = current_rules()
        for page in self.ground.closed_pages():
            self.fingerprints.take_away(public_texts_of(page, rules.rule_for(page.path)))
        for page in self.ground.open_pages():
            texts = [text for _name, text in texts_of(page)]
            copies = self.fingerprints.copied_in(texts)
            if not copies:
                self.fingerprints.take_away([*texts, page.title, page.seo_title, page.search_description])
            for page_id, name in copies:
                yield self._finding(
                    Kind.COPY,
                    Probe("other page", page.get_full_url() or str(page)),
                    None,
                    page_id,
                    field=name,
                )
        self.closed = len(self.ground.ids("closed"))
        self.total = sum(1 for _pair in self._pairs())

    def run(self, *, after: int = 0) -> Iterator[Finding]:
        """Findings as they are found; the first ``after`` probes have been asked before."""
        self.asked = after
        for probe, visitor in islice(self._pairs(), after, None):
            yield from self.look(probe, visitor)
            self.asked += 1
            if self.tell is not None:
                self.tell(self)

    def _pairs(self) -> Iterator[tuple[Probe, Visitor]]:
        for door in self.doors:
            for probe in door.probes(self.ground):
                for visitor in self.visitors:
                    if not probe.variant or self._tries(visitor, probe):
                        yield probe, visitor

    def _tries(self, visitor: Visitor, probe: Probe) -> bool:
        return visitor.bold and not (probe.page_id and self._may_read(visitor, probe.page_id))

    def look(self, probe: Probe, visitor: Visitor) -> Iterator[Finding]:
        answer = self.ground.client.ask(probe, visitor)
        if failure := _failure(probe, visitor, answer):
            yield self._finding(Kind.ERROR, probe, visitor, probe.page_id, place=failure)
        if probe.guards:
            yield from self._guarded(probe, visitor, answer)
        else:
            probe, answer = followed(self.ground.client, probe, visitor, answer)
        yield from self._texts(probe, visitor, answer)
        if probe.door in PAGE_DOORS and not probe.variant:
            yield from self._pictures(probe, visitor, answer)
        if probe.door == "page" and not probe.variant and visitor.is_guest:
            yield from self._teaser(probe, visitor, answer)

    def _guarded(self, probe: Probe, visitor: Visitor, answer: Answer) -> Iterator[Finding]:
        given = answer.status in (200, 206) and bool(answer.body)
        given = given and (probe.is_it is None or probe.is_it(answer.body))
        if not given and not (
            probe.kind is Kind.FILE and gives_a_file_away(self.ground.client, probe, answer)
        ):
            return
        if not self._has_a_right(probe, visitor):
            yield self._finding(probe.kind, probe, visitor, next(iter(probe.file_of), None))
        elif given and probe.may_have is not None and not _is_private(answer):
            place = f"Cache-Control: {answer.cache_control}"
            yield self._finding(Kind.CACHED, probe, visitor, next(iter(probe.file_of), None), place=place)

    def _has_a_right(self, probe: Probe, visitor: Visitor) -> bool:
        if probe.may_have is not None:
            return probe.may_have(visitor)
        return any(self._may_read(visitor, page_id) for page_id in probe.file_of)

    def _texts(self, probe: Probe, visitor: Visitor, answer: Answer) -> Iterator[Finding]:
        hits = self._hits_in(answer)
        granted = {hit.page_id for hit in hits if self._may_read(visitor, hit.page_id)}
        if probe.page_id and self._may_read(visitor, probe.page_id):
            granted.add(probe.page_id)
        for hit in hits:
            if hit.page_id not in granted and not self.fingerprints.says(granted, hit.snippet):
                yield self._from_hit(Kind.TEXT, probe, visitor, hit)
        if granted and hits and not _is_private(answer):
            read = next((hit for hit in hits if hit.page_id in granted), None)
            if read is not None:
                yield self._from_hit(
                    Kind.CACHED, probe, visitor, read, place=f"Cache-Control: {answer.cache_control}"
                )

    def _pictures(self, probe: Probe, visitor: Visitor, answer: Answer) -> Iterator[Finding]:
        for shown in _remembered(self._shown, _digest(answer), lambda: list(shown_files(answer))):
            may_have = partial(visitor.may_have, shown.kind, shown.id, today=self.ground.today)
            if not _remembered(self._may, (visitor.key, shown.kind, shown.id), may_have):
                file = f"{shown.kind} {shown.id}"
                place = f"{shown.place} · {shown.title}"
                yield self._finding(Kind.BROKEN, probe, visitor, probe.page_id, place=place, file=file)

    def _teaser(self, probe: Probe, visitor: Visitor, answer: Answer) -> Iterator[Finding]:
        forbids = "no-store" in answer.cache_control or "private" in answer.cache_control
        if answer.status == 200 and (answer.sets_cookies or forbids):
            place = "Set-Cookie" if answer.sets_cookies else f"Cache-Control: {answer.cache_control}"
            yield self._finding(Kind.TEASER, probe, visitor, probe.page_id, place=place)

    def _hits_in(self, answer: Answer) -> list[Hit]:
        def find() -> list[Hit]:
            found = segments(answer.body, answer.content_type, answer.headers)
            return list(self.fingerprints.hits(found))

        return _remembered(self._hits, _digest(answer), find)

    def _may_read(self, visitor: Visitor, page_id: int) -> bool:
        page = self._page(page_id)
        return page is None or visitor.may_read(page, today=self.ground.today)

    def _page(self, page_id: int) -> Page | None:
        return _remembered(self._pages, page_id, lambda: Page.objects.filter(pk=page_id).first())

    def _from_hit(self, kind: Kind, probe: Probe, visitor: Visitor, hit: Hit, *, place: str = "") -> Finding:
        return self._finding(
            kind, probe, visitor, hit.page_id, place=place or hit.place, field=hit.field, snippet=hit.snippet
        )

    def _finding(
        self, kind: Kind, probe: Probe, visitor: Visitor | None, page_id: int | None, **where: str
    ) -> Finding:
        page = self._page(page_id) if page_id else None
        rule = current_rules().rule_for(page.path) if page else None
        if len(snippet := where.get("snippet", "")) > LONGEST_SNIPPET:
            where["snippet"] = snippet[:LONGEST_SNIPPET].rsplit(" ", 1)[0] + " …"
        headers = "".join(f" [{name}: {value}]" for name, value in probe.headers)
        return Finding(
            kind,
            probe.door,
            probe.url + headers,
            visitor=visitor.label if visitor else "",
            method=probe.method,
            page_id=page_id,
            page=page.title if page else "",
            rule_page_id=rule.page_id if rule else None,
            **where,
        )


def _remembered(known: OrderedDict[Any, T], key: Any, find: Callable[[], T]) -> T:
    """The last ones only, so that memory stays the same."""
    if key not in known:
        known[key] = find()
        if len(known) > REMEMBERED:
            known.popitem(last=False)
    return known[key]


def _digest(answer: Answer) -> bytes:
    return hashlib.blake2b(answer.body + answer.content_type.encode(), digest_size=16).digest()


def _failure(probe: Probe, visitor: Visitor, answer: Answer) -> str:
    """Why nothing can be said: no answer, an error, or a page whose own address is not there for a guest."""
    if answer.status == 0 or (answer.status >= 500 and answer.status != 503):
        return answer.error or str(answer.status)
    own = probe.door in PAGE_DOORS and not probe.variant and visitor.is_guest
    return str(answer.status) if own and answer.status in NOT_THERE else ""


def _is_private(answer: Answer) -> bool:
    """May no shared cache keep it? Admin pages say “no-cache, private” of their own."""
    return "no-store" in answer.cache_control or "private" in answer.cache_control


def told_once(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Without those that say the same of another visitor; the first stands for all."""
    seen: set[int] = set()
    for finding in findings:
        if (key := hash(finding.same)) not in seen:
            seen.add(key)
            yield finding
