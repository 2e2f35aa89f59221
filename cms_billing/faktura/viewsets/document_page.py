"""The page of one document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from wagtail.admin.ui.tables import Column

from cms_billing.core import clock
from cms_billing.core.admin import (
    Action,
    DateColumn,
    Fact,
    Facts,
    InspectView,
    LinkColumn,
    MoneyColumn,
    Section,
    TableSection,
    TextSection,
    date_text,
    money_text,
)

from ..models import Document, LedgerEntry
from ..rules import CANCELLABLE_KINDS
from ..selectors import Standing, account_documents, with_standing
from .deliveries import deliveries_section


def standing_of(document: Any) -> Standing:
    """Where a document from ``with_standing`` stands today at its issuer."""
    return account_documents([document], today=clock.today(document.issuer))[0].standing


def state_text(document: Any) -> str:
    """What the state column says: drafts are drafts, the rest is where its claim stands."""
    if document.state == Document.State.DRAFT:
        return str(document.get_state_display())
    return str(standing_of(document).label)


class DocumentInspectView(InspectView):
    extension = "billing_document"
    actions = [
        Action(
            gettext_lazy("Open the PDF"),
            "billing-document:pdf",
            "doc-full",
            "cms_billing_faktura.view_document",
            when=lambda document: document.has_pdf,
        ),
        Action(
            gettext_lazy("Send again"),
            "billing-document:send_again",
            "mail",
            "cms_billing_faktura.send_document",
            when=lambda document: document.has_pdf,
        ),
        Action(
            pgettext_lazy("billing", "Cancel"),
            "billing-document:cancel",
            "cross",
            "cms_billing_faktura.cancel_document",
            when=lambda document: document.kind in CANCELLABLE_KINDS and not document.is_cancelled,
        ),
    ]

    def rows(self) -> QuerySet[Any]:
        return with_standing(super().rows()).select_related("issuer", "customer", "open_item", "corrects")

    def facts(self) -> Iterable[Fact]:
        document = self.object
        standing = standing_of(document)
        tone = {Standing.PAID: "good", Standing.OVERDUE: "critical", Standing.CANCELLED: "warning"}.get(
            standing, ""
        )
        customer_url = reverse("billing-customer:inspect", args=[document.customer_id])
        item = getattr(document, "open_item", None)
        yield Fact(pgettext("billing", "Number"), document.number)
        yield Fact(_("State"), standing.label or document.get_state_display(), tone=tone)
        yield Fact(_("Customer"), document.customer, url=customer_url)
        yield Fact(_("Date"), date_text(document.issued_on))
        yield Fact(_("Due on"), date_text(item.due_on if item else document.due_on))
        yield Fact(_("Service period"), period_text(document))
        yield Fact(_("Net"), money_text(document.net))
        yield Fact(_("Tax"), money_text(document.tax))
        yield Fact(_("Total"), money_text(document.gross))
        if item is not None:
            yield Fact(
                _("Open"), money_text(item.open_amount), tone="critical" if item.open_minor > 0 else "good"
            )
        yield Fact(_("Issuer"), document.issuer)
        yield Fact(_("Reason"), document.extra.get("reason"))

    def own_sections(self) -> Iterable[Section]:
        document = self.object
        if document.extra.get("text"):
            yield TextSection(document.extra.get("subject") or _("Text"), document.extra["text"])
        if document.line_count:
            yield lines_section(document)
            yield tax_section(document)
        yield ledger_section(document)
        yield from related_section(document)
        yield deliveries_section(document, self.request.user)
        yield archive_section(document)


def period_text(row: Any) -> str:
    if not row.service_start:
        return ""
    return f"{date_text(row.service_start)} – {date_text(row.service_end)}"


def lines_section(document: Document) -> Section:
    return TableSection(
        _("Lines"),
        [
            Column("position", label=_("No.")),
            Column("description", label=_("Description")),
            Column("period", label=_("Service period"), accessor=period_text),
            Column("quantity", label=_("Quantity"), accessor=lambda line: line.quantity.normalize()),
            MoneyColumn("unit_price", label=_("Unit price")),
            Column("tax", label=_("Tax"), accessor=lambda line: f"{line.tax_percent.normalize():f} %"),
            MoneyColumn("gross", label=_("Total")),
        ],
        document.lines.select_related("document"),
        note=_("Prices include tax.") if document.prices_include_tax else _("Prices without tax."),
    )


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


def ledger_section(document: Document) -> Section:
    return TableSection(
        _("Ledger"),
        [
            DateColumn("booked_on", label=_("Date")),
            Column("kind", label=_("Entry"), accessor="get_kind_display"),
            Column("note", label=_("Note")),
            MoneyColumn("amount", label=_("Amount")),
        ],
        LedgerEntry.objects.filter(document=document),
        empty=_("Nothing is posted to this document."),
        note=_("The open amount is the sum of these entries."),
    )


def related_section(document: Document) -> Iterable[Section]:
    related = [*([document.corrects] if document.corrects else []), *document.corrections.all()]
    if related:
        yield TableSection(
            _("Related documents"),
            [
                LinkColumn(
                    "number", label=pgettext("billing", "Document"), accessor=str, get_url=document_url
                ),
                DateColumn("issued_on", label=_("Date")),
                MoneyColumn("gross", label=_("Total")),
            ],
            related,
        )


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
