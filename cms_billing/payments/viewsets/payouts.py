"""Payouts of the providers: what arrived at the bank, what it was made of, and what the providers kept as fees."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import django_filters
from django import forms
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy
from wagtail.admin.filters import DateRangePickerWidget
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import (
    BillingFilterSet,
    BillingIndexView,
    DateColumn,
    Fact,
    InspectView,
    LinkColumn,
    MoneyColumn,
    ReadOnlyViewSet,
    Section,
    StateColumn,
    Summary,
    TableSection,
    VisibleChoiceFilter,
    WhatNext,
    date_text,
    money_text,
)
from cms_billing.core.money import Money

from ..models import Payout, PayoutLine, ProviderAccount
from .account_actions import AskPayoutsView, CompareDayView, ReadReportView
from .differences import columns_of_differences

SHOWN = 500


class PayoutFilterSet(BillingFilterSet):
    account = VisibleChoiceFilter(label=gettext_lazy("Account at the provider"), model=ProviderAccount)
    paid_on = django_filters.DateFromToRangeFilter(
        label=gettext_lazy("Paid out"), widget=DateRangePickerWidget
    )
    differs = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Differences"),
        method="filter_differs",
        choices=[("on", gettext_lazy("With differences"))],
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Payout
        fields = ["account"]

    def filter_differs(self, payouts: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        return payouts.filter(open_differences__gt=0) if value else payouts


class PayoutIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        payouts = super().rows().select_related("account", "issuer")
        return payouts.annotate(open_differences=Count("differences", filter=Q(differences__settled_at=None)))

    def order_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those that differ come first: they wait for somebody."""
        if self.ordering and self.ordering != self.default_ordering:
            return super().order_queryset(queryset)
        return queryset.order_by("-open_differences", "-paid_on", "-pk")

    def summary(self, queryset: QuerySet[Any]) -> Summary:
        """Gross, fees and net of what the filters leave, per currency."""
        listed = Payout.objects.filter(pk__in=queryset.order_by().values("pk"))
        groups = listed.order_by("currency").values("currency")
        sums = list(
            groups.annotate(
                count=Count("pk"), gross=Sum("gross_minor"), fee=Sum("fee_minor"), net=Sum("net_minor")
            )
        )
        facts = []
        for group in sums:
            for name, label in (("gross", _("Gross")), ("fee", _("Fees")), ("net", _("Net"))):
                facts.append(Fact(label, money_text(Money(group[name], group["currency"]))))
        return Summary(sum(group["count"] for group in sums), facts)

    def what_next(self) -> WhatNext:
        return WhatNext(
            _("They are asked for by the daily run, from each account in use whose provider tells them."),
            reverse("billing-provideraccount:index"),
            _("Accounts at providers"),
        )

    export_filename = "payouts"
    export_columns = {
        "reference": (gettext_lazy("Provider's reference"), lambda p: p.reference),
        "account": (pgettext_lazy("at a payment provider", "Account"), lambda p: str(p.account)),
        "issuer": (gettext_lazy("Issuer"), lambda p: str(p.issuer)),
        "paid_on": (gettext_lazy("Paid out on"), lambda p: p.paid_on),
        "gross": (gettext_lazy("Gross"), lambda p: p.gross),
        "fee": (gettext_lazy("Fees"), lambda p: p.fee),
        "net": (gettext_lazy("Net"), lambda p: p.net),
        "amount": (gettext_lazy("Amount"), lambda p: p.amount),
        "currency": (gettext_lazy("Currency"), lambda p: p.currency),
        "movements": (gettext_lazy("Movements"), lambda p: p.line_count),
        "differences": (gettext_lazy("Differences"), lambda p: p.open_differences),
    }


def differences_text(payout: Any) -> str:
    n = payout.open_differences
    return ngettext("%(n)s difference", "%(n)s differences", n) % {"n": n} if n else _("agrees")


class PayoutInspectView(InspectView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("account", "issuer")

    def facts(self) -> Iterable[Fact]:
        payout = self.object
        yield Fact(_("Amount"), money_text(payout.amount))
        state = _("has left the provider") if payout.is_paid else _("not paid out yet")
        yield Fact(_("State"), state, tone="good" if payout.is_paid else "")
        yield Fact(_("Paid out on"), date_text(payout.paid_on))
        yield Fact(
            pgettext("at a payment provider", "Account"),
            payout.account,
            url=reverse("billing-provideraccount:inspect", args=[payout.account_id]),
        )
        yield Fact(_("Issuer"), payout.issuer)
        yield Fact(_("Gross"), money_text(payout.gross))
        yield Fact(_("Fees"), money_text(payout.fee))
        yield Fact(_("Net"), money_text(payout.net))
        yield Fact(_("Movements"), payout.line_count)
        yield Fact(_("Provider's reference"), payout.reference)

    def own_sections(self) -> Iterable[Section]:
        differences = self.object.differences.filter(settled_at=None).select_related(
            "account", "payout", "payment"
        )
        if differences:
            yield TableSection(_("Differences"), columns_of_differences(), differences)
        yield self._movements()

    def _movements(self) -> Section:
        lines = list(
            islice(self.object.lines.select_related("payment__customer", "refund").iterator(500), SHOWN)
        )
        more = self.object.line_count - len(lines)
        return TableSection(
            _("Movements"),
            [
                Column("kind", label=_("Kind"), accessor="get_kind_display"),
                LinkColumn("ours", label=_("Ours"), accessor=_ours_text, get_url=_ours_url),
                Column("reference", label=_("Provider's reference"), accessor=_reference),
                DateColumn("booked_on", label=_("Date")),
                MoneyColumn("gross", label=_("Gross")),
                MoneyColumn("fee", label=_("Fee")),
                MoneyColumn("net", label=_("Net")),
            ],
            lines,
            note=ngettext("%(n)s more.", "%(n)s more.", more) % {"n": more} if more else "",
            empty=_("The provider has not told what it is made of."),
        )


def _reference(line: PayoutLine) -> str:
    return line.refund_reference or line.payment_reference or line.reference


def _ours_text(line: PayoutLine) -> str:
    if line.refund_id and line.refund:
        return str(line.refund)
    return str(line.payment.customer) if line.payment_id and line.payment else ""


def _ours_url(line: PayoutLine) -> str | None:
    if line.refund_id:
        return reverse("billing-refund:inspect", args=[line.refund_id])
    return reverse("billing-payment:inspect", args=[line.payment_id]) if line.payment_id else None


def fees_by_month(account: ProviderAccount) -> Section:
    """What the provider kept, a month a row, the latest twelve."""
    months = (
        account.payouts.exclude(paid_on=None)
        .annotate(month=TruncMonth("paid_on"))
        .order_by("-month", "currency")
        .values("month", "currency")
        .annotate(gross=Sum("gross_minor"), fee=Sum("fee_minor"), net=Sum("net_minor"))[:12]
    )

    def money(name: str) -> Any:
        return lambda row: Money(row[name], row["currency"])

    return TableSection(
        _("Fees by month"),
        [
            Column("month", label=_("Month"), accessor=lambda row: date_format(row["month"], "F Y")),
            MoneyColumn("gross", label=_("Gross"), accessor=money("gross")),
            MoneyColumn("fee", label=_("Fees"), accessor=money("fee")),
            MoneyColumn("net", label=_("Net"), accessor=money("net")),
        ],
        months,
        url=f"{reverse('billing-payout:index')}?account={account.pk}",
        url_label=_("All payouts"),
        empty=_("No payout is known yet."),
    )


class PayoutViewSet(ReadOnlyViewSet):
    model = Payout
    icon = "download"
    menu_order = 420
    list_display = [
        "reference",
        Column("account", label=pgettext_lazy("at a payment provider", "Account")),
        DateColumn("paid_on", label=gettext_lazy("Paid out on"), sort_key="paid_on"),
        StateColumn(
            "differs",
            label=gettext_lazy("Differences"),
            accessor=differences_text,
            good=lambda payout: not payout.open_differences,
        ),
        MoneyColumn("gross", label=gettext_lazy("Gross")),
        MoneyColumn("fee", label=gettext_lazy("Fees")),
        MoneyColumn("amount", label=gettext_lazy("Amount"), sort_key="amount_minor"),
    ]
    ordering = "-paid_on"
    search_fields = ["reference", "lines__reference", "lines__payment_reference"]
    filterset_class = PayoutFilterSet
    index_view_class = PayoutIndexView
    inspect_view_class = PayoutInspectView

    def get_urlpatterns(self) -> list[Any]:
        # The forms stand on the pages of accounts and lead back there.
        account = {
            "index_url_name": "billing-provideraccount:index",
            "inspect_url_name": "billing-provideraccount:inspect",
        }
        return [
            *super().get_urlpatterns(),
            path("ask/<int:pk>/", AskPayoutsView.as_view(**account), name="ask"),
            path("report/<int:pk>/", ReadReportView.as_view(**account), name="report"),
            path("compare/<int:pk>/", CompareDayView.as_view(**account), name="compare"),
        ]
