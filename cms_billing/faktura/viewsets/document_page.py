"""The page of one document: what it says, what became of it, who did what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from wagtail import hooks
from wagtail.admin.ui.tables import Column

from cms_billing.core import clock
from cms_billing.core.admin import (
    Action,
    DateColumn,
    Event,
    Fact,
    Facts,
    InspectView,
    LinkColumn,
    MoneyColumn,
    Section,
    TableSection,
    TextSection,
    TimelineSection,
    date_text,
    logged_events,
    money_text,
)
from cms_billing.core.money import Money

from ..family import family_of
from ..models import Document, LedgerEntry
from ..rules import CANCELLABLE_KINDS
from ..selectors import Standing, account_documents, left_to_credit, with_standing
from .deliveries import deliveries_section
from .document_preview import PagesAside
from .printing import paper_section

EVENTS_HOOK = "billing_document_events"
RELATIVES_HOOK = "billing_document_relatives"


def standing_of(document: Any) -> Standing:
    """Where a document from ``with_standing`` stands today at its issuer."""
    return account_documents([document], today=clock.today(document.issuer))[0].standing


def state_text(document: Any) -> str:
    """What the state column says: drafts are drafts, the rest is where its claim stands."""
    if document.state == Document.State.DRAFT:
        return str(document.get_state_display())
    return str(standing_of(document).label)


class DocumentInspectView(InspectView):
    """Apps above add events to the timeline with the hook ``billing_document_events`` (called with request and
    document, yields ``Event``s), and papers to the chain with ``billing_document_relatives`` (called with the document,
    yields their keys)."""

    extension = "billing_document"
    actions = [
        Action(
            gettext_lazy("Open the PDF"),
            "billing-document:pdf",
            "doc-full",
            "cms_billing_faktura.view_document",
            when=lambda document: document.has_pdf,
            priority=-2,
        ),
        Action(
            gettext_lazy("Send again"),
            "billing-document:send_again",
            "mail",
            "cms_billing_faktura.send_document",
            when=lambda document: document.has_pdf,
            priority=-1,
        ),
        Action(
            pgettext_lazy("billing", "Cancel"),
            "billing-document:cancel",
            "cross",
            "cms_billing_faktura.cancel_document",
            when=lambda document: (
                document.state == Document.State.ISSUED
                and document.kind in CANCELLABLE_KINDS
                and not document.is_cancelled
            ),
        ),
    ]

    def rows(self) -> QuerySet[Any]:
        documents = with_standing(super().rows())
        return documents.select_related("issuer", "customer", "open_item", "rendering")

    def facts(self) -> Iterable[Fact]:
        document = self.object
        standing = standing_of(document)
        tone = {Standing.PAID: "good", Standing.OVERDUE: "critical", Standing.CANCELLED: "warning"}.get(
            standing, ""
        )
        customer_url = reverse("billing-customer:inspect", args=[document.customer_id])
        item = getattr(document, "open_item", None)
        yield Fact(pgettext("billing", "Number"), document.number)
        yield Fact(_("State"), state_text(document) or document.get_state_display(), tone=tone)
        yield Fact(_("Customer"), document.customer, url=customer_url)
        yield Fact(_("Date"), date_text(document.issued_on))
        yield Fact(_("Issued by itself on"), date_text(document.finalise_on))
        yield Fact(_("Due on"), date_text(item.due_on if item else document.due_on))
        yield Fact(_("Service period"), period_text(document))
        if document.line_count:
            yield Fact(_("Net"), money_text(document.net))
            yield Fact(_("Tax"), money_text(document.tax))
        yield Fact(_("Total"), money_text(document.total))
        if item is not None:
            yield Fact(
                _("Open"), money_text(item.open_amount), tone="critical" if item.open_minor > 0 else "good"
            )
        yield Fact(_("Issuer"), document.issuer)
        yield Fact(_("Reason"), document.extra.get("reason"))

    def aside(self) -> PagesAside | None:
        return PagesAside(self.object) if self.object.has_pdf else None

    def own_sections(self) -> Iterable[Section]:
        document = self.object
        if document.extra.get("text"):
            yield TextSection(document.extra.get("subject") or _("Text"), document.extra["text"])
        if document.line_count:
            yield lines_section(document)
            yield tax_section(document)
        yield from ledger_section(self.ledger, document)
        yield from chain_section(document, self.family)
        if document.state == Document.State.ISSUED:
            yield deliveries_section(document, self.request.user)
            yield from paper_section(document, self.request.user)

    def sections(self) -> Iterable[Section]:
        """What happened and what proves it come last, below what other apps say."""
        yield from super().sections()
        yield TimelineSection(pgettext("what happened", "Timeline"), self.events())
        if self.object.state == Document.State.ISSUED:
            yield archive_section(self.object)

    @cached_property
    def ledger(self) -> list[LedgerEntry]:
        return list(
            LedgerEntry.objects.filter(document=self.object)
            .select_related("related_document")
            .order_by("booked_on", "pk")
        )

    @cached_property
    def family(self) -> list[Document]:
        more = {key for relatives in hooks.get_hooks(RELATIVES_HOOK) for key in relatives(self.object)}
        return family_of(self.object, more=more)

    def events(self) -> Iterable[Event]:
        document = self.object
        yield from logged_events(document, details=("number", "by", "to", "reason"))
        if document.issued_at:
            yield Event(document.issued_at, _("issued"), detail=document.number)
        yield from _way_out(document)
        for entry in self.ledger:
            if entry.kind not in _TOLD_BY_THE_LOG:
                yield Event(
                    entry.created_at,
                    entry.get_kind_display(),
                    detail=f"{money_text(entry.amount)} {entry.note}",
                )
        for add in hooks.get_hooks(EVENTS_HOOK):
            yield from add(self.request, document)


# Their services log who did it.
_TOLD_BY_THE_LOG = {
    LedgerEntry.Kind.INVOICE,
    LedgerEntry.Kind.CREDIT,
    LedgerEntry.Kind.CANCELLATION,
    LedgerEntry.Kind.WRITE_OFF,
    LedgerEntry.Kind.TRANSFER,
}


def _way_out(document: Document) -> Iterable[Event]:
    rendering = getattr(document, "rendering", None)
    if rendering is not None and rendering.last_error and not document.archive_records.all():
        yield Event(
            rendering.next_try_at or document.issued_at or clock.now(),
            _("the PDF could not be made"),
            detail=rendering.last_error,
            tone="critical",
        )
    for record in document.archive_records.all():
        yield Event(record.archived_at, _("archived"), detail=record.filename)
    for delivery in document.deliveries.all():
        if delivery.sent_at:
            text = _("sent by e-mail") if delivery.to else _("sent by post")
            yield Event(delivery.sent_at, text, detail=delivery.to, tone="good")
        elif delivery.work_state == delivery.WorkState.FAILED:
            yield Event(
                delivery.created_at,
                _("could not be sent"),
                detail=f"{delivery.to}: {delivery.last_error}",
                tone="critical",
            )


def period_text(row: Any) -> str:
    if not row.service_start:
        return ""
    if row.service_start == row.service_end:
        return date_text(row.service_start)
    return f"{date_text(row.service_start)} – {date_text(row.service_end)}"


def lines_section(document: Document) -> Section:
    columns = [
        Column("position", label=_("No.")),
        Column("description", label=_("Description")),
        Column("period", label=_("Service period"), accessor=period_text),
        Column(
            "quantity",
            label=_("Quantity"),
            accessor=lambda line: f"{line.quantity.normalize():f}",
            classname="billing-amount",
        ),
        MoneyColumn("unit_price", label=_("Unit price")),
        Column(
            "tax",
            label=_("Tax"),
            accessor=lambda line: f"{line.tax_percent.normalize():f} %",
            classname="billing-amount",
        ),
        MoneyColumn("gross", label=_("Total")),
    ]
    lines: list[Any] = list(document.lines.order_by("position"))
    for line in lines:
        line.document = document
    if _may_be_credited(document) and (left := _left_by_line(document)):
        for line in lines:
            line.left = Money(left[line.pk].amounts.gross, document.currency)
            line.credited = line.gross - line.left
        columns += [MoneyColumn("credited", label=_("Credited")), MoneyColumn("left", label=_("Left"))]
    note = _("Prices include tax.") if document.prices_include_tax else _("Prices without tax.")
    return TableSection(pgettext("of a document", "Lines"), columns, lines, note=note)


def _may_be_credited(document: Document) -> bool:
    return document.state == Document.State.ISSUED and document.kind in CANCELLABLE_KINDS


def _left_by_line(document: Document) -> dict[int, Any]:
    """What corrections have left of each line; empty where there are none."""
    lines = left_to_credit(document)
    return {line.line_id: line for line in lines} if _anything_credited(lines, document) else {}


def _anything_credited(lines: list[Any], document: Document) -> bool:
    return sum(line.amounts.gross for line in lines) != document.gross_minor


def tax_section(document: Document) -> Section:
    return TableSection(
        _("Tax"),
        [
            Column(
                "rate",
                label=_("Rate"),
                accessor=lambda group: f"{group.get_tax_code_display()} {group.tax_percent.normalize():f} %",
            ),
            Column("notice", label=_("Notice")),
            MoneyColumn("net", label=_("Net")),
            MoneyColumn("tax", label=_("Tax")),
            MoneyColumn("gross", label=_("Total")),
        ],
        document.tax_groups.select_related("document"),
    )


def ledger_section(entries: list[Any], document: Document) -> Iterable[Section]:
    if not entries and getattr(document, "open_item", None) is None:
        return
    balance = 0
    for entry in entries:
        balance += entry.amount_minor
        entry.balance = Money(balance, entry.currency)
    yield TableSection(
        _("Ledger"),
        [
            DateColumn("booked_on", label=_("Date")),
            Column("kind", label=_("Entry"), accessor="get_kind_display"),
            LinkColumn(
                "related",
                label=pgettext("billing", "Document"),
                accessor=lambda entry: entry.related_document.number if entry.related_document else "",
                get_url=lambda entry: (
                    document_url(entry.related_document) if entry.related_document else None
                ),
            ),
            Column("note", label=_("Note")),
            MoneyColumn("amount", label=_("Amount")),
            MoneyColumn("balance", label=_("Balance")),
        ],
        entries,
        empty=_("Nothing is posted to this document."),
        note=_("The open amount is the sum of these entries."),
    )


class ChainSection(Section):
    """Documents that belong together, in order, each with its date, total and state."""

    template_name = "cms_billing/faktura/admin/chain_section.html"

    def __init__(self, title: Any, document: Document, family: list[Document]) -> None:
        super().__init__(title)
        numbers = {member.pk: str(member) for member in family}
        self.links = [
            {
                "label": capfirst(member.kind_name),
                "number": member.number or _("draft"),
                "url": document_url(member),
                "facts": " · ".join(filter(None, (date_text(member.issued_on), money_text(member.total)))),
                "open": money_text(member.open_item.open_amount)
                if hasattr(member, "open_item") and member.open_item.open_minor
                else "",
                "of": numbers.get(member.corrects_id or member.based_on_id or 0, ""),
                "is_current": member.pk == document.pk,
            }
            for member in family
        ]


def chain_section(document: Document, family: list[Document]) -> Iterable[Section]:
    if len(family) > 1:
        yield ChainSection(_("Related documents"), document, family)


def document_url(document: Document) -> str:
    return reverse("billing-document:inspect", args=[document.pk])


def archive_section(document: Document) -> Section:
    rendering = getattr(document, "rendering", None)
    facts = [
        Fact(
            record.filename,
            _("SHA-256 %(hash)s, no. %(n)s of the chain") % {"hash": record.sha256, "n": record.sequence},
        )
        for record in document.archive_records.all()
    ]
    if rendering is not None and not facts:
        facts.append(Fact(_("PDF"), rendering.get_work_state_display(), tone="warning"))
        facts.append(Fact(_("Last error"), rendering.last_error, tone="critical"))
    return Facts(_("Archive"), facts)
