"""What a page says, field by field, and which of it is for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import models
from modelcluster.models import get_all_child_relations
from wagtail.fields import StreamField
from wagtail.models import Page

from .. import teasers
from ..rules import Rule
from .words import plain

_TEXTS = (models.CharField, models.TextField, models.JSONField, StreamField)
# Of a page whose teaser is its own these are shown in lists and search as well; a rule that says "only the title" or
# brings its own text closes them, too.
_NO_INTRODUCTION = ("title", "text")
# What editors write for search engines and menus.
_ALWAYS_PUBLIC = frozenset({"title", "draft_title", "slug", "url_path", "seo_title", "search_description"})


class FieldText(NamedTuple):
    name: str
    text: str


def texts_of(page: Page) -> Iterator[FieldText]:
    """Every text of the (specific) page and of its child rows: ``body``, ``body.2.paragraph``, ``exercises.answer``."""
    yield from _texts_of_row(page, "", skip=_fields_of_pages())
    for relation in get_all_child_relations(type(page)):
        if relation.related_model._meta.app_label == "cms_billing_paywall":
            continue
        for row in getattr(page, relation.get_accessor_name()).all():
            yield from _texts_of_row(row, f"{relation.get_accessor_name()}.", skip=frozenset())


def _fields_of_pages() -> frozenset[str]:
    return frozenset(field.name for field in Page._meta.get_fields())


def _texts_of_row(row: Any, prefix: str, *, skip: frozenset[str]) -> Iterator[FieldText]:
    for field in row._meta.concrete_fields:
        if field.name in skip or not isinstance(field, _TEXTS) or getattr(field, "choices", None):
            continue
        value = getattr(row, field.attname)
        if isinstance(field, StreamField):
            value = list(value.raw_data)
        yield from _leaves(value, prefix + field.name)


def _leaves(value: Any, name: str) -> Iterator[FieldText]:
    if isinstance(value, str):
        if value:
            yield FieldText(name, plain(value))
    elif isinstance(value, dict):
        for key, part in value.items():
            if key in ("id", "type"):
                continue
            kind = value.get("type") if key == "value" else key
            yield from _leaves(part, f"{name}.{kind}")
    elif isinstance(value, (list, tuple)):
        for number, part in enumerate(value):
            yield from _leaves(part, f"{name}.{number}")


def public_texts_of(page: Page, rule: Rule | None) -> Iterator[str]:
    """What a closed page shows everybody by its rule, and what its kind names in ``paywall_public_fields``."""
    names = [*_ALWAYS_PUBLIC, *getattr(page, "paywall_public_fields", ())]
    if rule is None or rule.preview not in _NO_INTRODUCTION:
        names += teasers.FIELDS
    for name in names:
        value = getattr(page, name, "")
        yield from (part.text for part in _leaves(value if isinstance(value, str) else "", name))
    yield plain(str(teasers.teaser_of(page, rule)))
