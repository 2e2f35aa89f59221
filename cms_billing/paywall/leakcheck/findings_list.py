"""What a check found, one below the other: on a telephone a table of so many columns could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from wagtail.documents import get_document_model

from cms_billing.core.admin import Section

from ..files.moving import model_of
from ..models import FileMove
from .findings import SENTENCES, Kind


@dataclass(frozen=True)
class Line:
    label: str
    text: str
    url: str = ""
    is_code: bool = False


@dataclass(frozen=True)
class Shown:
    """A finding in words: ``tone`` is Wagtail's name of its colour."""

    sentence: str
    tone: str
    icon: str
    lines: list[Line]
    snippet: str = ""


class FindingsSection(Section):
    template_name = "cms_billing/paywall/admin/findings.html"

    def __init__(self, title: Any, rows: Iterable[dict[str, Any]], *, empty: Any) -> None:
        super().__init__(title)
        self.findings = [shown(found) for found in rows]
        self.empty = empty


def shown(found: dict[str, Any]) -> Shown:
    kind = Kind(found["kind"])
    return Shown(
        sentence=str(SENTENCES[kind]),
        tone="critical" if kind.is_leak else "warning",
        icon="warning",
        lines=[line for line in _lines(found) if line.text],
        snippet=found["snippet"],
    )


def _lines(found: dict[str, Any]) -> Iterator[Line]:
    page_id = found["page_id"]
    page_url = reverse("wagtailadmin_pages:edit", args=[page_id]) if page_id else ""
    yield Line(_("Page"), found["page"], page_url)
    if rule_page := found["rule_page_id"] or page_id:
        yield Line(_("Rule"), _("Open the rule"), reverse("billing-paywall:page_rule", args=[rule_page]))
    # Signed links and mails are no addresses that could be opened.
    address = found["url"].split(" [")[0]
    opens = address if address.startswith(("/", "http://", "https://")) else ""
    yield Line(_("Address"), f"{found['method']} {found['url']}", opens, is_code=True)
    yield Line(_("As whom"), found["visitor"])
    yield Line(_("Field and place"), " · ".join(filter(None, [found["field"], found["place"]])))
    # Checks of older versions do not name any.
    if file := found.get("file"):
        yield Line(_("File"), *_file(file))


def _file(named: str) -> tuple[str, str]:
    """Title and editing page of “image 12”."""
    kind, _space, pk = named.partition(" ")
    row = model_of(kind).objects.filter(pk=pk).select_related("collection").first()
    if row is None:
        return named, ""
    is_document = kind == FileMove.Kind.DOCUMENT and isinstance(row, get_document_model())
    url = reverse("wagtaildocs:edit" if is_document else "wagtailimages:edit", args=[row.pk])
    return f"{row.title} ({row.collection})", url
