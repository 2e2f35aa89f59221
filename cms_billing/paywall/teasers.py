"""What everybody may read of a closed page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import TextField
from django.http import HttpRequest
from django.utils.html import linebreaks
from django.utils.safestring import SafeString, mark_safe
from wagtail.blocks import Block, StreamValue, StructValue
from wagtail.blocks.list_block import ListValue
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page
from wagtail.rich_text import expand_db_html

from .previews import before_line, first_words, top_level, words_in
from .rules import Rule
from .stream_blocks import PreviewDividerBlock
from .terms import Preview

# In this order; the first that has something to say.
FIELDS = ("teaser", "intro", "introduction", "search_description")
NOTHING = mark_safe("")


def teaser_of(page: Page, rule: Rule | None, *, request: HttpRequest | None = None) -> SafeString:
    """HTML: what the rule says, never the whole text.

    Where the rule asks for the beginning of a text and there is none to cut (no divider, only pictures), it is the
    page's own teaser: ``get_teaser()``, ``teaser``, ``intro`` or the search description. ``request`` goes to the
    blocks; without one they show what guests see.
    """
    page, kind = page.specific, rule.preview if rule else Preview.PAGE
    if rule is None or kind == Preview.PAGE:
        return own_teaser(page)
    if kind == Preview.TITLE:
        return NOTHING
    if kind == Preview.TEXT:
        return mark_safe(linebreaks(rule.teaser_text, autoescape=True))
    amount = rule.preview_amount or 0
    if kind == Preview.DIVIDER:
        beginning = above_divider(page, request)
    elif kind == Preview.BLOCKS:
        beginning = first_blocks(_pieces(page, request), amount)
    else:
        beginning = first_percent(_pieces(page, request), amount)
    return mark_safe(beginning) if beginning.strip() else own_teaser(page)


def own_teaser(page: Page) -> SafeString:
    if callable(own := getattr(page, "get_teaser", None)):
        return _as_html(own())
    return next((html for name in FIELDS if (html := _field(page, name))), NOTHING)


def above_divider(page: Page, request: HttpRequest | None = None) -> str:
    """What stands above the first divider, in the first field that has one; in rich text a horizontal line is one."""
    for name in text_fields(page):
        value = getattr(page, name)
        if isinstance(value, StreamValue):
            place = divider_in(value)
            if place is not None:
                return "".join(_rendered(child, page, request) for child in value[:place])
        elif (above := before_line(_text_html(page, name))) is not None:
            return above
    return ""


def has_divider(page: Page) -> bool:
    """Is there a place where a preview up to the divider would end?"""
    values = ((name, getattr(page, name)) for name in text_fields(page))
    return any(
        divider_in(value) is not None
        if isinstance(value, StreamValue)
        else before_line(_text_html(page, name)) is not None
        for name, value in values
    )


def divider_in(stream: StreamValue) -> int | None:
    """The place of the first block that is a divider or has one inside: such a block is not shown at all."""
    places = (place for place, child in enumerate(stream) if _has_divider(child.block, child.value))
    return next(places, None)


def first_blocks(pieces: Sequence[str], count: int) -> str:
    """Never all of them: of a text in one piece half the words."""
    if len(pieces) == 1 and count > 0:
        return first_words(pieces[0], words_in(pieces[0]) // 2)
    return "".join(pieces[: max(0, min(count, len(pieces) - 1))])


def first_percent(pieces: Sequence[str], percent: int) -> str:
    """Cut between two words; never all of them."""
    lengths = [words_in(piece) for piece in pieces]
    total = sum(lengths)
    left = max(0, min(total * percent // 100, total - 1))
    shown = []
    for piece, words in zip(pieces, lengths, strict=True):
        if left <= 0:
            break
        shown.append(piece if words <= left else first_words(piece, left))
        left -= words
    return "".join(shown)


def text_fields(page: Page) -> list[str]:
    """Where the page's text is: what it says in ``paywall_body``, else its streams, else its rich texts, else its plain
    texts, in the order of the model; not what is its teaser anyway."""
    said = getattr(page, "paywall_body", ())
    if said:
        return [said] if isinstance(said, str) else list(said)
    own = {field.name for field in Page._meta.get_fields()} | set(FIELDS)
    fields = [field for field in page._meta.concrete_fields if field.name not in own]
    by_kind = (
        [f.name for f in fields if isinstance(f, kind)] for kind in (StreamField, RichTextField, TextField)
    )
    return next(filter(None, by_kind), [])


def _pieces(page: Page, request: HttpRequest | None) -> list[str]:
    """What the page's text is made of: the blocks that guests see, or the paragraphs; of the first field that has
    any."""
    for name in text_fields(page):
        value = getattr(page, name)
        if isinstance(value, StreamValue):
            pieces = [_rendered(child, page, request) for child in value]
        else:
            pieces = top_level(_text_html(page, name))
        if pieces := [piece for piece in pieces if piece.strip()]:
            return pieces
    return []


def _rendered(child: Any, page: Page, request: HttpRequest | None) -> str:
    """As Wagtail renders a child of a stream; nothing for a block that shows nothing."""
    html = child.render({"page": page, "request": request})
    return f'<div class="w-block-{child.block_type} block-{child.block_type}">{html}</div>' if html else ""


def _has_divider(block: Block, value: Any) -> bool:
    return isinstance(block, PreviewDividerBlock) or any(
        _has_divider(inner, inside) for inner, inside in _inside(value)
    )


def _inside(value: Any) -> Iterator[tuple[Block, Any]]:
    if isinstance(value, StreamValue):
        yield from ((child.block, child.value) for child in value)
    elif isinstance(value, StructValue):
        yield from ((value.block.child_blocks[name], inside) for name, inside in value.items())
    elif isinstance(value, ListValue):
        yield from ((child.block, child.value) for child in value.bound_blocks)


def _text_html(page: Page, name: str) -> str:
    return str(_field(page, name))


def _field(page: Page, name: str) -> SafeString:
    value = getattr(page, name, "")
    if callable(value):
        value = value()
    try:
        rich = isinstance(page._meta.get_field(name), RichTextField)
    except FieldDoesNotExist:
        rich = False
    return mark_safe(expand_db_html(value)) if rich and value else _as_html(value)


def _as_html(value: Any) -> SafeString:
    """Text is escaped; what says of itself that it is HTML is trusted."""
    if hasattr(value, "__html__"):
        return mark_safe(value.__html__())
    return mark_safe(linebreaks(str(value), autoescape=True)) if value else NOTHING
