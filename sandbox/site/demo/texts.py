"""Read the demo texts: a head of ``name: value`` lines, a teaser, ``---``, and the body.

The body knows paragraphs, ``## heading``, ``> quote — source``, ``!! Exercise title``, lists with
``-`` or ``1.``, ``**bold**`` and ``*italic*``; ``===`` where the preview ends, and ``[members]`` or ``[guests]``
above a paragraph that only they see. It becomes the blocks of ``sandbox.site.blocks``.
"""

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "texts"


@dataclass(frozen=True)
class Text:
    head: dict[str, str]
    teaser: str
    body: list[dict[str, Any]]

    def __getitem__(self, name: str) -> str:
        return self.head[name]


def texts_in(folder: str) -> list[Text]:
    return [read_text(path) for path in sorted((FOLDER / folder).glob("*.md"))]


def read_text(path: Path) -> Text:
    opening, _, body = path.read_text(encoding="utf-8").partition("\n---\n")
    head, _, teaser = opening.partition("\n\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines() if line)
    return Text(head=fields, teaser=rich(teaser), body=blocks(body))


def blocks(body: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for paragraph in re.split(r"\n\s*\n", body.strip()):
        block = block_of(paragraph)
        if found and block["type"] == found[-1]["type"] == "text":
            found[-1]["value"] += block["value"]
        else:
            found.append(block)
    return found


def block_of(paragraph: str) -> dict[str, Any]:
    if paragraph.startswith("## "):
        return {"type": "heading", "value": paragraph[3:].strip()}
    if paragraph.startswith("> "):
        text, _, source = paragraph[2:].partition(" — ")
        return {"type": "quote", "value": {"text": text, "source": source}}
    if paragraph.startswith("!! "):
        title, _, text = paragraph[3:].partition("\n")
        return {"type": "exercise", "value": {"title": title, "text": rich(text)}}
    if paragraph == "===":
        return {"type": "divider", "value": None}
    if said := re.match(r"\[(members|guests)\]\n", paragraph):
        inside = [block_of(paragraph[said.end() :])]
        return {"type": "for_some", "value": {"visible_to": said[1], "visible_plans": [], "content": inside}}
    return {"type": "text", "value": rich(paragraph)}


def rich(text: str) -> str:
    return "".join(paragraph_html(part.strip()) for part in re.split(r"\n\s*\n", text) if part.strip())


def paragraph_html(paragraph: str) -> str:
    lines = paragraph.splitlines()
    if all(line.startswith("- ") for line in lines):
        return list_html("ul", [line[2:] for line in lines])
    if all(re.match(r"\d+\. ", line) for line in lines):
        return list_html("ol", [line.split(". ", 1)[1] for line in lines])
    return f"<p>{inline_html(' '.join(lines))}</p>"


def list_html(tag: str, items: list[str]) -> str:
    return f"<{tag}>" + "".join(f"<li>{inline_html(item)}</li>" for item in items) + f"</{tag}>"


def inline_html(text: str) -> str:
    text = escape(text, quote=False)
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    return re.sub(r"\*(.+?)\*", r"<i>\1</i>", text)
