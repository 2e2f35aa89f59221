"""The ZIP of a hand-over: a CSV file, the archived papers, and a manifest that says what is in it.

Made again it is the same to the byte: rows and format are frozen, papers come from the archive, times are the day's.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import IO, Any

from django.utils.translation import gettext as _

from cms_billing.core.exceptions import NotYet
from cms_billing.core.money import Money
from cms_billing.faktura import archive
from cms_billing.faktura.models import ArchiveRecord, DocumentKind

from ..models import ClaimChange, HandOver
from . import columns
from .csv_format import CsvFormat, lines, replaced_in

# Rows held at a time, and papers looked up at a time.
CHUNK = 200
PAPERS = "documents"
CORRECTIONS = (DocumentKind.CREDIT_NOTE, DocumentKind.CANCELLATION)


@dataclass
class Packed:
    """What the manifest lists: ``[{"name", "sha256", "size"}]``, and cells whose letters were replaced."""

    files: list[dict[str, Any]] = field(default_factory=list)
    replaced: list[dict[str, Any]] = field(default_factory=list)


def pack(hand_over: HandOver, file: IO[bytes]) -> Packed:
    """Write the ZIP to ``file``. Raises NotYet while a paper is not archived, and ArchiveDamaged."""
    form = CsvFormat(**hand_over.format["csv"])
    packed = Packed()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as box:
        rows = _claim_lines if hand_over.kind == HandOver.Kind.CLAIMS else _report_lines
        _add(box, hand_over, f"{hand_over.reference}.csv", rows(hand_over, form, packed), packed)
        for name, content in _papers(hand_over):
            _add(box, hand_over, f"{PAPERS}/{name}", [content], packed)
        manifest = json.dumps(manifest_of(hand_over, packed), ensure_ascii=False, indent=2).encode()
        _add(box, hand_over, "manifest.json", [manifest], packed)
    return packed


def manifest_of(hand_over: HandOver, packed: Packed) -> dict[str, Any]:
    totals = {code: str(Money(minor, code).amount) for code, minor in sorted(hand_over.totals.items())}
    return {
        "format": columns.FORMAT_VERSION,
        "number": hand_over.reference,
        "kind": hand_over.kind,
        "day": hand_over.day.isoformat(),
        "creditor": hand_over.format["creditor"],
        "client_number": hand_over.format["client_number"],
        "rows": hand_over.rows,
        "totals": totals,
        "files": list(packed.files),
        "replaced": packed.replaced,
    }


def _add(
    box: zipfile.ZipFile, hand_over: HandOver, name: str, pieces: Iterable[bytes], packed: Packed
) -> None:
    info = zipfile.ZipInfo(name, _moment(hand_over.day))
    info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, 0o600 << 16, 3
    digest, size = hashlib.sha256(), 0
    with box.open(info, "w", force_zip64=True) as part:
        for piece in pieces:
            part.write(piece)
            digest.update(piece)
            size += len(piece)
    packed.files.append({"name": name, "sha256": digest.hexdigest(), "size": size})


def _moment(day: date) -> tuple[int, int, int, int, int, int]:
    return (day.year, day.month, day.day, 0, 0, 0)


# -- rows ------------------------------------------------------------------------------------------------------------


def _claim_lines(hand_over: HandOver, form: CsvFormat, packed: Packed) -> Iterator[bytes]:
    chosen = hand_over.format["columns"]
    keys = [key for key, _heading in chosen]
    rows = hand_over.claims.order_by("position").values_list("position", "facts").iterator(CHUNK)

    def cells() -> Iterator[list[str]]:
        for position, facts in rows:
            _note_replaced(position, [facts.get(key) for key in keys], form, packed)
            yield columns.row(facts, keys, form)

    yield from lines(cells(), form, header=[heading for _key, heading in chosen])


def _report_lines(hand_over: HandOver, form: CsvFormat, packed: Packed) -> Iterator[bytes]:
    changes = hand_over.changes.order_by("pk").select_related(
        "claim__hand_over", "claim__document", "claim__customer"
    )

    def cells() -> Iterator[list[str]]:
        for number, change in enumerate(changes.iterator(CHUNK), start=1):
            facts = _report_facts(hand_over, change)
            _note_replaced(number, list(facts.values()), form, packed)
            yield columns.report_row(facts, form)

    yield from lines(cells(), form, header=[column.heading for column in columns.REPORT])


def _report_facts(report: HandOver, change: ClaimChange) -> dict[str, Any]:
    claim = change.claim
    return {
        "report": report.reference,
        "day": change.day.isoformat(),
        "hand_over": claim.hand_over.reference,
        "client_number": report.format["client_number"],
        "customer_number": claim.customer.number,
        "document_number": claim.document.number,
        "change": columns.CHANGES[change.kind],
        "amount": change.amount_minor,
        "open": change.open_minor,
        "currency": change.currency,
        "remark": change.note,
    }


def _note_replaced(row: int, values: list[Any], form: CsvFormat, packed: Packed) -> None:
    if form.replace_unknown:
        found = replaced_in([(row, value) for value in values if isinstance(value, str)], form)
        packed.replaced += [{"row": one.row, "text": one.text, "written": one.written} for one in found]


# -- papers ----------------------------------------------------------------------------------------------------------


def _papers(hand_over: HandOver) -> Iterator[tuple[str, bytes]]:
    """Each paper once, by its number: a letter may ask for several of the claims."""
    wanted = sorted(_wanted(hand_over))
    for start in range(0, len(wanted), CHUNK):
        some = wanted[start : start + CHUNK]
        records = {
            record.document_id: record
            for record in ArchiveRecord.objects.filter(document__in=some, content_type=archive.PDF)
        }
        if missing := set(some) - set(records):
            raise NotYet(
                _("%(count)s papers have no PDF yet; they are made within minutes.") % {"count": len(missing)}
            )
        for pk in some:
            yield records[pk].filename, archive.read_record(records[pk])


def _wanted(hand_over: HandOver) -> set[int]:
    if hand_over.kind == HandOver.Kind.CLAIMS:
        return {
            pk for papers in hand_over.claims.values_list("papers", flat=True).iterator() for pk in papers
        }
    corrections = hand_over.changes.filter(ledger_entry__related_document__kind__in=CORRECTIONS)
    return set(corrections.values_list("ledger_entry__related_document", flat=True))
