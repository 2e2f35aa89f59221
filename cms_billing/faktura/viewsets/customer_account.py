"""A customer's account: entries of a period, page by page, each with the balance after it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet, Sum
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import pgettext, pgettext_lazy
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import DateColumn, LinkColumn, MoneyColumn, TableSection
from cms_billing.core.money import Money

from ..models import Customer, LedgerEntry

ENTRIES_A_PAGE = 50


class PeriodForm(forms.Form):
    since = forms.DateField(
        label=pgettext_lazy("range", "From"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = forms.DateField(
        label=pgettext_lazy("range", "To"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def period(self) -> tuple[date | None, date | None]:
        """What was asked for; a date that is none is not asked for."""
        self.is_valid()
        data = getattr(self, "cleaned_data", {})
        return data.get("since"), data.get("until")


class AccountSection(TableSection):
    """Newest first: what people ask for is nearly always the end."""

    template_name = "cms_billing/faktura/admin/account_section.html"

    def __init__(self, customer: Customer, asked: QueryDict, document_url: Callable[[Any], str]) -> None:
        self.form = PeriodForm(asked)
        since, until = self.form.period()
        self.page = account_page(customer, since=since, until=until, page=asked.get("account", "1"))
        self.asked = asked
        self.is_narrowed = bool(since or until)
        super().__init__(
            _("Account statement"),
            [
                DateColumn("booked_on", label=_("Date")),
                Column("kind", label=_("Entry"), accessor="get_kind_display"),
                LinkColumn(
                    "document",
                    label=pgettext("billing", "Document"),
                    accessor=lambda entry: str(entry.document or ""),
                    get_url=lambda entry: document_url(entry.document) if entry.document else None,
                ),
                Column("note", label=_("Note")),
                MoneyColumn("amount", label=_("Amount")),
                MoneyColumn("balance", label=_("Balance")),
            ],
            self.page.object_list,
            empty=_("Nothing was posted in this time.") if self.is_narrowed else _("Nothing is posted yet."),
            note=_("Newest first. What is owed is positive, what settles it negative."),
        )

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:
        context = super().get_context_data(parent_context)
        newer, older = self.page.number - 1, self.page.number + 1
        return {
            **context,
            "newer": self._address(newer) if self.page.has_previous() else "",
            "older": self._address(older) if self.page.has_next() else "",
        }

    def _address(self, page: int) -> str:
        query = self.asked.copy()
        query["account"] = str(page)
        return f"?{query.urlencode()}#account"


def account_page(customer: Customer, *, since: date | None, until: date | None, page: str = "1") -> Page:
    """Entries with ``balance``: what was owed after each, in its currency, whatever the period shown."""
    entries = customer.ledger_entries.order_by("-booked_on", "-pk")
    if since:
        entries = entries.filter(booked_on__gte=since)
    if until:
        entries = entries.filter(booked_on__lte=until)
    shown = Paginator(entries.select_related("document"), ENTRIES_A_PAGE).get_page(page)
    shown.object_list = list(shown.object_list)
    add_balances(customer, shown.object_list)
    return shown


def add_balances(customer: Customer, entries: list[Any]) -> None:
    """``entries``: newest first, none of the account left out between them."""
    if not entries:
        return
    newest = entries[0]
    up_to_it = customer.ledger_entries.filter(
        Q(booked_on__lt=newest.booked_on) | Q(booked_on=newest.booked_on, pk__lte=newest.pk)
    )
    after = sums_by_currency(up_to_it)
    for entry in entries:
        entry.balance = Money(after[entry.currency], entry.currency)
        after[entry.currency] -= entry.amount_minor


def sums_by_currency(entries: QuerySet[LedgerEntry]) -> dict[str, int]:
    sums = entries.order_by().values_list("currency").annotate(s=Sum("amount_minor"))
    return {currency: int(amount) for currency, amount in sums}


def balances_of(customer: Customer) -> list[Money]:
    """What the customer owes (positive) or has to their credit, per currency."""
    return [
        Money(amount, currency)
        for currency, amount in sorted(sums_by_currency(customer.ledger_entries.all()).items())
    ]


__all__ = ["AccountSection", "PeriodForm", "account_page", "balances_of"]
