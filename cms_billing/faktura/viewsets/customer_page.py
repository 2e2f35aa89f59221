"""The page of one customer: what they owe, their papers, their account."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from wagtail.admin.ui.tables import Column

from cms_billing.core import clock
from cms_billing.core.admin import (
    DateColumn,
    Fact,
    InspectView,
    LinkColumn,
    MoneyColumn,
    Section,
    StateColumn,
    TableSection,
    money_text,
)
from cms_billing.core.money import Money

from ..models import Customer, Delivery, Document
from ..selectors import Standing, with_standing
from .customer_account import AccountSection, balances_of
from .document_page import document_url, standing_of, state_text

# Rows of a section before it says where the rest is.
SHORT = 10
OPEN_ITEMS = 25


class CustomerInspectView(InspectView):
    extension = "billing_customer"

    def rows(self) -> QuerySet[Customer]:
        return super().rows().select_related("issuer", "user")

    def facts(self) -> Iterable[Fact]:
        customer = self.object
        yield Fact(pgettext("billing", "Number"), customer.number)
        yield Fact(_("Address"), "\n".join([*customer.address_lines, customer.country]))
        yield Fact(_("E-mail"), customer.email, url=f"mailto:{customer.email}")
        yield Fact(_("Kind"), customer.get_kind_display())
        yield Fact(_("VAT id"), customer.vat_id)
        yield Fact(_("Issuer"), customer.issuer)
        yield Fact(_("Language"), customer.get_language_display())
        yield Fact(_("User account"), customer.user.get_username() if customer.user else "")
        for balance in balances_of(customer):
            label = _("Owes in all") if balance.minor > 0 else _("Account balance")
            yield Fact(label, money_text(balance), tone="critical" if balance.minor > 0 else "good")
        for sums in self.open_sums:
            if sums["overdue"]:
                overdue = Money(int(sums["overdue"]), sums["currency"])
                yield Fact(_("Overdue"), money_text(overdue), tone="critical")
        yield Fact(_("Note"), customer.note)

    @cached_property
    def today(self) -> date:
        return clock.today(self.object.issuer)

    @cached_property
    def open_sums(self) -> list[dict[str, Any]]:
        """Open items per currency: how many, and how much of it is overdue; one query."""
        overdue = Sum("open_minor", filter=Q(due_on__lt=self.today))
        items = self.object.open_items.open().order_by().values("currency")
        return list(items.annotate(count=Count("pk"), overdue=overdue).order_by("currency"))

    def own_sections(self) -> Iterable[Section]:
        yield self._open_items()
        documents = self._latest_documents()
        yield self._documents(documents)
        if self.request.user.has_perm("cms_billing_faktura.view_delivery"):
            yield self._mails(documents)
        yield AccountSection(self.object, self.request.GET, document_url)

    def _latest_documents(self) -> list[Any]:
        """Looked up by their keys, so that their standing is not worked out for all that the customer has."""
        latest = self.object.documents.order_by(F("issued_on").desc(nulls_first=True), "-pk")
        keys = list(latest.values_list("pk", flat=True)[:SHORT])
        rows = with_standing(Document.objects.filter(pk__in=keys)).select_related("issuer").in_bulk()
        return [rows[key] for key in keys]

    def _open_items(self) -> Section:
        items = self.object.open_items.open().select_related("document").order_by("due_on", "pk")
        more = max(0, sum(sums["count"] for sums in self.open_sums) - OPEN_ITEMS)
        return TableSection(
            _("Open items"),
            [
                _document_column(lambda item: item.document),
                DateColumn("due_on", label=_("Due on")),
                StateColumn(
                    "state",
                    label=_("State"),
                    accessor=lambda item: _("overdue") if item.due_on < self.today else _("open"),
                    good=lambda item: item.due_on >= self.today,
                ),
                MoneyColumn("open_amount", label=_("Open")),
            ],
            items[:OPEN_ITEMS],
            empty=_("Nothing is owed."),
            note=ngettext("The longest due; %(n)s more.", "The longest due; %(n)s more.", more) % {"n": more}
            if more
            else "",
            url=f"{self._documents_url()}&standing=open" if more else None,
        )

    def _documents_url(self) -> str:
        return f"{reverse('billing-document:index')}?customer={self.object.number}"

    def _documents(self, documents: list[Any]) -> Section:
        return TableSection(
            pgettext("billing", "Latest documents"),
            [
                _document_column(lambda document: document),
                DateColumn("issued_on", label=_("Date")),
                StateColumn(
                    "state",
                    label=_("State"),
                    accessor=state_text,
                    good=lambda document: standing_of(document) is Standing.PAID,
                ),
                MoneyColumn("gross", label=_("Total"), accessor="total"),
            ],
            documents,
            url=self._documents_url(),
            empty=_("Nothing has been billed yet."),
        )

    def _mails(self, documents: list[Any]) -> Section:
        deliveries = Delivery.objects.filter(document__in=documents).select_related("document")
        return TableSection(
            _("Mails with these documents"),
            [
                _document_column(lambda delivery: delivery.document),
                Column("to", label=pgettext("e-mail", "To"), accessor=lambda row: row.to or _("by post")),
                StateColumn(
                    "work_state",
                    label=_("State"),
                    accessor="get_work_state_display",
                    good=lambda row: row.work_state == row.WorkState.DONE,
                ),
                DateColumn("sent_at", label=_("Sent at")),
                Column("last_error", label=_("Last error")),
            ],
            deliveries.order_by("-pk")[:SHORT],
            empty=_("None was sent."),
        )


def _document_column(get_document: Any) -> LinkColumn:
    return LinkColumn(
        "document",
        label=pgettext("billing", "Document"),
        accessor=lambda row: str(get_document(row) or ""),
        get_url=lambda row: document_url(get_document(row)) if get_document(row) else None,
    )
