"""The closed parts of the page tree as database conditions, few of them however many rules there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from django.db.models import Q
from wagtail.models import Page

LONGEST_PATH: int = Page._meta.get_field("path").max_length


def closed_parts(granted: Mapping[str, bool]) -> list[Q]:
    """``granted`` by path of the pages that have a rule. One condition a closed section: its paths without those of
    open sections inside, without what is closed inside those, and so on.

    A rule that says the same as the one around it adds nothing, and neighbours become one range.
    """
    border: dict[str, bool] = {}
    inside: dict[str | None, list[str]] = {}
    for path in sorted(granted):
        around = next(
            (path[:n] for n in range(len(path) - Page.steplen, 0, -Page.steplen) if path[:n] in border), None
        )
        if granted[path] != (border[around] if around else True):
            border[path] = granted[path]
            inside.setdefault(around, []).append(path)

    def parts(paths: Sequence[str]) -> Iterator[Q]:
        yield from _ranges([path for path in paths if path not in inside])
        for path in paths:
            if path in inside:
                condition = Q(path__startswith=path)
                for inner in parts(inside[path]):
                    condition &= ~inner
                yield condition

    return list(parts(inside.get(None, [])))


def _ranges(paths: Sequence[str]) -> Iterator[Q]:
    """Everything at and below ``paths`` (sorted): siblings without a gap between them are one stretch of the tree."""
    runs: list[list[str]] = []
    expected = None
    for path in paths:
        if path == expected:
            runs[-1].append(path)
        else:
            runs.append([path])
        expected = _next_sibling(path)
    for run in runs:
        yield _stretch(run)


def _stretch(run: Sequence[str]) -> Q:
    """One condition, not two for its ends: building them is what a listing with many rules takes its time for."""
    if len(run) == 1:
        return Q(path__startswith=run[0])
    return Q(path__range=(run[0], run[-1].ljust(LONGEST_PATH, Page.alphabet[-1])))


def _next_sibling(path: str) -> str | None:
    """The path of the place right after it; None after the last one that there can be."""
    step = Page._int2str(Page._str2int(path[-Page.steplen :]) + 1)
    if len(step) > Page.steplen:
        return None
    return path[: -Page.steplen] + step.rjust(Page.steplen, Page.alphabet[0])
