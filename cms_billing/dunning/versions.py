"""What a procedure says, as plain data: by its digest two versions are told apart, by its parts what has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from .models import Level, LevelText, Procedure

Content = Mapping[str, Any]

# Whose they are and whether they are in use says nothing about letters.
_LEFT_OUT = {"id", "issuer", "is_active", "procedure", "level", "number", "language"}


def content_of(procedure: Procedure) -> dict[str, Any]:
    """JSON: ``{"procedure": {field: value}, "levels": {"1": {"fields": {...}, "texts": {"de": {...}}}}}``."""
    levels = sorted(procedure.levels.all(), key=lambda level: level.number)
    return {
        "procedure": _fields(procedure),
        "levels": {
            str(level.number): {
                "fields": _fields(level),
                "texts": {text.language: _fields(text) for text in level.texts.all()},
            }
            for level in levels
        },
    }


def digest_of(content: Content) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _fields(row: Model) -> dict[str, Any]:
    """Values as JSON keeps them: numbers and truth as they are, everything else as text."""
    found = {}
    for field in row._meta.concrete_fields:
        if field.name not in _LEFT_OUT:
            value = getattr(row, field.attname)
            found[field.name] = value if value is None or isinstance(value, (bool, int)) else _text(value)
    return found


def _text(value: Any) -> str:
    """5, 5.0 and 5.00 are one number, whether they come from a form or from the database."""
    if hasattr(value, "normalize"):
        return format(value.normalize(), "f")
    return str(value)


@dataclass(frozen=True)
class Change:
    """``where`` names the field; of texts ``before`` and ``after`` are whole texts. None: was or is not there."""

    where: str
    before: Any
    after: Any


def changes(before: Content | None, after: Content) -> list[Change]:
    """What differs between two versions, in the order of the form; a first version has nothing to differ from."""
    return [] if before is None else list(_changes(before, after))


def _changes(before: Content, after: Content) -> Iterator[Change]:
    yield from _fields_changed(Procedure, "", before["procedure"], after["procedure"])
    for number in sorted({*before["levels"], *after["levels"]}, key=int):
        level = _("Level %(number)s") % {"number": number}
        old, new = before["levels"].get(number), after["levels"].get(number)
        if old is None or new is None:
            yield Change(level, None if old is None else _("there"), None if new is None else _("there"))
            continue
        yield from _fields_changed(Level, level, old["fields"], new["fields"])
        for language in sorted({*old["texts"], *new["texts"]}):
            place = f"{level} · {language}"
            yield from _fields_changed(
                LevelText, place, old["texts"].get(language, {}), new["texts"].get(language, {})
            )


def _fields_changed(
    model: type[Model], place: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Change]:
    for name in [*after, *(key for key in before if key not in after)]:
        if before.get(name) != after.get(name):
            yield Change(
                " · ".join(filter(None, [place, _label(model, name)])), before.get(name), after.get(name)
            )


def _label(model: type[Model], name: str) -> str:
    """Of a field that a later release has taken away, its name."""
    known = {field.name: field for field in model._meta.concrete_fields}
    return capfirst(str(known[name].verbose_name)) if name in known else name
