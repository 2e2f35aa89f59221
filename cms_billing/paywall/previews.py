"""The beginning of a text in HTML, cut so that nothing from after the cut is in it and the HTML stays whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

from bs4 import BeautifulSoup, NavigableString, Tag
from bs4.element import PageElement, PreformattedString

# Chinese and Japanese write without spaces: there each character counts as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
# What is run or styled is no text, and is worth nothing when it is cut in two.
_NO_TEXT = ("script", "style", "template", "noscript")


def words_in(html: str) -> int:
    """The words that a reader sees."""
    return sum(len(_WORD.findall(text)) for text in _texts(_soup(html)))


def first_words(html: str, count: int) -> str:
    """The first ``count`` words with the tags around them, and an ellipsis; all of it where there are not more."""
    if count <= 0:
        return ""
    soup = _soup(html)
    left = count
    for text in list(_texts(soup)):
        ends = [word.end() for word in _WORD.finditer(text)]
        if len(ends) > left or (len(ends) == left and _follows(text)):
            text.replace_with(kept := NavigableString(f"{text[: ends[left - 1]]} …"))
            _drop_what_follows(kept)
            return str(soup)
        left -= len(ends)
    return html


def top_level(html: str) -> list[str]:
    """The paragraphs, lists and pictures that the text is made of, in order."""
    pieces = (_markup(node) for node in _soup(html).contents)
    return [piece for piece in pieces if piece.strip()]


def before_line(html: str) -> str | None:
    """What stands above the first horizontal line at the top level; None without one."""
    soup = _soup(html)
    line = next((node for node in soup.contents if isinstance(node, Tag) and node.name == "hr"), None)
    if line is None:
        return None
    _drop_what_follows(line)
    line.extract()
    return str(soup)


def _soup(html: str) -> BeautifulSoup:
    soup = BeautifulSoup(html, "html.parser")
    for node in [node for node in soup.descendants if isinstance(node, PreformattedString)]:
        node.extract()
    # What a comment stood between is one text again.
    soup.smooth()
    return soup


def _markup(node: PageElement) -> str:
    return node.decode() if isinstance(node, Tag) else cast("NavigableString", node).output_ready("minimal")


def _texts(soup: BeautifulSoup) -> Iterator[NavigableString]:
    return (cast("NavigableString", node) for node in soup.descendants if _is_text(node))


def _is_text(node: Any) -> bool:
    return (
        isinstance(node, NavigableString) and bool(_WORD.search(node)) and node.find_parent(_NO_TEXT) is None
    )


def _follows(text: NavigableString) -> bool:
    """Is there any more to read?"""
    return any(map(_is_text, text.next_elements))


def _drop_what_follows(node: NavigableString | Tag) -> None:
    for level in [node, *node.parents]:
        for later in list(level.next_siblings):
            later.extract()
