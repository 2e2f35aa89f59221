"""Does what is stored still prove itself? Reads only; ``manage.py billing_verify`` prints what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.db.models import Count, F, Max, Min, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from cms_billing.core.money import Money

from .archive import ArchiveDamaged, chain_hash, facts_of, read_record
from .models import (
    ArchiveHead,
    ArchiveRecord,
    Document,
    DocumentLine,
    Issuer,
    LedgerEntry,
    NumberSeries,
    OpenItem,
    TaxGroup,
)

Finding = str
Findings = Callable[[Issuer], Iterator[Finding]]

# Of the apps above, by the name the command prints.
_more: dict[str, Findings] = {}


def register_findings(name: str, findings: Findings) -> None:
    """A door for the apps above: ``findings(issuer)`` yields a sentence for whatever is wrong with their rows."""
    _more[name] = findings


def all_findings() -> dict[str, Findings]:
    """Every check but the archive's, which takes its time and tells how far it is."""
    return {
        "numbers without gaps": number_findings,
        "lines and taxes add up": sum_findings,
        "open items equal the ledger": ledger_findings,
        **_more,
    }


def archive_findings(issuer: Issuer, *, each: Callable[[], object] = int) -> Iterator[Finding]:
    """Walk the chain from its start; the first broken record comes first. ``each`` is called after every record.

    A break in the chain ends the walk, because every record after it hangs on it; damaged files do not.
    """
    previous, expected = "", 1
    records = ArchiveRecord.objects.filter(issuer=issuer).order_by("sequence")
    for record in records.iterator(chunk_size=500):
        if broken := _break_in_chain(record, previous=previous, expected=expected):
            yield broken
            return
        try:
            read_record(record)
        except ArchiveDamaged as damage:
            yield _("Archive record %(sequence)s: %(damage)s") % {
                "sequence": record.sequence,
                "damage": damage,
            }
        previous, expected = record.chain_hash, expected + 1
        each()
    head = ArchiveHead.objects.filter(issuer=issuer).first()
    if head and (head.sequence, head.chain_hash) != (expected - 1, previous):
        yield _(
            "The archive ends at record %(found)s but had %(noted)s: its last records have been removed."
        ) % {
            "found": expected - 1,
            "noted": head.sequence,
        }


def _break_in_chain(record: ArchiveRecord, *, previous: str, expected: int) -> Finding | None:
    if record.sequence != expected:
        return _("Archive record %(expected)s is missing: the next one is %(found)s (%(name)s).") % {
            "expected": expected,
            "found": record.sequence,
            "name": record,
        }
    if record.previous_hash != previous or record.chain_hash != chain_hash(previous, facts_of(record)):
        return _(
            "Archive record %(sequence)s (%(name)s) has been changed: it does not fit the record before."
        ) % {
            "sequence": record.sequence,
            "name": record,
        }
    return None


def ledger_findings(issuer: Issuer) -> Iterator[Finding]:
    """Every open item is the sum of its ledger entries, and its charges of those that are fees or interest."""
    booked = (
        LedgerEntry.objects.filter(document=OuterRef("pk"))
        .order_by()
        .values("document")
        .annotate(s=Sum("amount_minor"))
    )
    charges = booked.filter(kind__in=LedgerEntry.CHARGES)
    items = OpenItem.objects.filter(issuer=issuer).annotate(
        booked=Coalesce(Subquery(booked.values("s")), 0),
        charged=Coalesce(Subquery(charges.values("s")), 0),
    )
    for item in items.exclude(charges_minor=F("charged")).select_related("document").iterator():
        yield _(
            "%(document)s: its charges are %(charges)s, but those in the ledger add up to %(booked)s."
        ) % {
            "document": item.document,
            "charges": Money(item.charges_minor, item.currency),
            "booked": Money(item.charged, item.currency),
        }
    for item in items.exclude(open_minor=F("booked")).select_related("document").iterator():
        yield _("%(document)s: open are %(open)s, but its ledger entries add up to %(booked)s.") % {
            "document": item.document,
            "open": item.open_amount,
            "booked": Money(item.booked, item.currency),
        }


def number_findings(issuer: Issuer) -> Iterator[Finding]:
    """The numbers of a series follow each other without a gap up to the next one to be given."""
    series = NumberSeries.objects.filter(issuer=issuer).annotate(
        count=Count("documents"), first=Min("documents__sequence"), last=Max("documents__sequence")
    )
    for one in series:
        if one.count == 0:
            continue
        if one.last - one.first + 1 != one.count:
            yield _("%(series)s: number %(missing)s is missing.") % {
                "series": one,
                "missing": _first_gap(one),
            }
        if one.last + 1 != one.next_number:
            yield _("%(series)s: the last number is %(last)s, but the next one to be given is %(next)s.") % {
                "series": one,
                "last": one.last,
                "next": one.next_number,
            }


def _first_gap(series: NumberSeries) -> int | None:
    taken = series.documents.order_by("sequence").values_list("sequence", flat=True)
    expected = None
    for number in taken.iterator():
        if expected is not None and number != expected:
            return expected
        expected = number + 1
    return None


def sum_findings(issuer: Issuer) -> Iterator[Finding]:
    """Lines and tax groups add up to their document."""
    documents = Document.objects.filter(issuer=issuer, state=Document.State.ISSUED, line_count__gt=0)
    for model, what in ((DocumentLine, _("lines")), (TaxGroup, _("tax groups"))):
        sums = model._default_manager.filter(document=OuterRef("pk")).order_by().values("document")
        off = documents.annotate(
            net_sum=Coalesce(Subquery(sums.annotate(s=Sum("net_minor")).values("s")), 0),
            tax_sum=Coalesce(Subquery(sums.annotate(s=Sum("tax_minor")).values("s")), 0),
        ).exclude(Q(net_sum=F("net_minor")) & Q(tax_sum=F("tax_minor")))
        for document in off.iterator():
            yield _("%(document)s: its %(parts)s do not add up to its total.") % {
                "document": document,
                "parts": what,
            }
