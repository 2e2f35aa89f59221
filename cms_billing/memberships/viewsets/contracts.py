"""Contracts: the list, the page, and their part of a customer's page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.db.models import Min, QuerySet
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from wagtail.admin.filters import DateRangePickerWidget
from wagtail.admin.ui.tables import Column
from wagtail.admin.widgets.button import HeaderButton

from cms_billing.core.admin import (
    Action,
    BillingFilterSet,
    DateColumn,
    Fact,
    InspectView,
    LinkColumn,
    MoneyColumn,
    ReadOnlyViewSet,
    Section,
    StateColumn,
    TableSection,
    VisibleChoiceFilter,
    date_text,
)
from cms_billing.core.ui.viewsets import BillingIndexView
from cms_billing.faktura.models import Booking, Customer, Document

from ..models import Contract, Plan
from ..views_import import ImportView, UploadView
from .contract_actions import NewContractView, SignView, TerminateView
from .plans import interval_text


class ContractFilterSet(BillingFilterSet):
    state = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("State"), choices=Contract.State.choices, widget=forms.CheckboxSelectMultiple
    )
    plan = VisibleChoiceFilter(label=gettext_lazy("Plan"), model=Plan)
    next_due = django_filters.DateFromToRangeFilter(
        label=gettext_lazy("Next due"), field_name="next_due", widget=DateRangePickerWidget
    )
    start = django_filters.DateFromToRangeFilter(
        label=pgettext_lazy("of a contract", "Start"), widget=DateRangePickerWidget
    )
    customer = django_filters.CharFilter(
        label=gettext_lazy("Customer number"), field_name="customer__number", lookup_expr="iexact"
    )

    class Meta:
        model = Contract
        fields = ["state", "plan"]


class ContractIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        rows = super().rows().select_related("customer", "plan", "issuer")
        return rows.annotate(next_due=Min("lines__next_due"))

    @property
    def header_buttons(self) -> list[Any]:
        user = self.request.user
        buttons = []
        if user.has_perm("cms_billing_memberships.add_contract"):
            buttons.append(
                HeaderButton(_("New contract"), url=reverse("billing-contract:new"), icon_name="plus")
            )
        if user.has_perm("cms_billing_memberships.import_contracts"):
            buttons.append(
                HeaderButton(
                    pgettext("action", "Import"), url=reverse("billing-contract:import"), icon_name="upload"
                )
            )
        return buttons


def customer_url(row: Any) -> str:
    return reverse("billing-customer:inspect", args=[row.customer_id])


def contract_url(row: Contract) -> str:
    return reverse("billing-contract:inspect", args=[row.pk])


class ContractInspectView(InspectView):
    extension = "billing_contract"
    actions = [
        Action(
            gettext_lazy("Terminate"),
            "billing-contract:terminate",
            "cross",
            "cms_billing_memberships.terminate_contract",
            when=lambda contract: contract.state in (Contract.State.ACTIVE, Contract.State.PENDING),
        )
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer", "plan", "issuer")

    def facts(self) -> Iterable[Fact]:
        contract = self.object
        running = contract.state in Contract.BILLABLE
        yield Fact(pgettext("billing", "Number"), contract.number)
        yield Fact(_("State"), contract.get_state_display(), tone="good" if running else "")
        yield Fact(_("Customer"), contract.customer, url=customer_url(contract))
        yield Fact(_("Plan"), contract.plan, url=reverse("billing-plan:inspect", args=[contract.plan_id]))
        yield Fact(pgettext("of a contract", "Start"), date_text(contract.start))
        yield Fact(_("Last day"), date_text(contract.end))
        yield Fact(_("Issuer"), contract.issuer)
        yield Fact(pgettext("of a contract", "Origin"), contract.origin)

    def own_sections(self) -> Iterable[Section]:
        yield self._lines()
        yield self._bookings()
        yield self._documents()
        yield self._changes()

    def _lines(self) -> Section:
        return TableSection(
            _("What is billed"),
            [
                Column("description", label=_("Description")),
                Column("interval", label=_("Interval"), accessor=interval_text),
                DateColumn("next_due", label=_("Next due")),
                MoneyColumn("price", label=_("Price")),
            ],
            self.object.lines.all(),
        )

    def _bookings(self) -> Section:
        contract = self.object
        bookings = Booking.objects.filter(issuer=contract.issuer, contract_reference=contract.number)
        return TableSection(
            _("Bookings"),
            [
                Column("description", label=_("Description")),
                Column(
                    "period",
                    label=_("Service period"),
                    accessor=lambda b: f"{date_text(b.period_start)} – {date_text(b.period_end)}",
                ),
                DateColumn("due_on", label=_("Due on")),
                StateColumn(
                    "state",
                    label=_("State"),
                    accessor="get_state_display",
                    good=lambda booking: booking.state == Booking.State.BILLED,
                ),
                MoneyColumn("unit_price", label=_("Price")),
            ],
            bookings.order_by("-period_start", "-id")[:LATEST],
            note=_("The latest %(n)s, newest first.") % {"n": LATEST},
        )

    def _documents(self) -> Section:
        contract = self.object
        documents = Document.objects.filter(
            issuer=contract.issuer, lines__contract_reference=contract.number
        ).distinct()
        return TableSection(
            pgettext("billing", "Documents"),
            [
                LinkColumn(
                    "number",
                    label=pgettext("billing", "Document"),
                    accessor=str,
                    get_url=lambda row: reverse("billing-document:inspect", args=[row.pk]),
                ),
                DateColumn("issued_on", label=_("Date")),
                MoneyColumn("gross", label=_("Total")),
            ],
            documents[:LATEST],
        )

    def _changes(self) -> Section:
        return TableSection(
            _("History"),
            [
                DateColumn("at", label=_("When")),
                DateColumn("effective_on", label=_("Effective on")),
                Column("to_state", label=_("State"), accessor="get_to_state_display"),
                Column("reason", label=_("Reason")),
                Column("user", label=_("By"), accessor=lambda change: str(change.user or "")),
            ],
            self.object.changes.select_related("user"),
        )


LATEST = 24


class ContractViewSet(ReadOnlyViewSet):
    model = Contract
    icon = "form"
    menu_order = 250
    list_display = [
        "number",
        LinkColumn(
            "customer",
            label=gettext_lazy("Customer"),
            accessor=lambda row: str(row.customer),
            get_url=customer_url,
        ),
        Column("plan", label=gettext_lazy("Plan"), sort_key="plan__name"),
        StateColumn(
            "state",
            label=gettext_lazy("State"),
            accessor="get_state_display",
            good=lambda contract: contract.state == Contract.State.ACTIVE,
            sort_key="state",
        ),
        DateColumn("start", label=pgettext_lazy("of a contract", "Start"), sort_key="start"),
        DateColumn("end", label=gettext_lazy("Last day"), sort_key="end"),
        DateColumn("next_due", label=gettext_lazy("Next due"), sort_key="next_due"),
    ]
    ordering = "-id"
    search_fields = [
        "number",
        "customer__number",
        "customer__company",
        "customer__last_name",
        "customer__email",
        "origin",
    ]
    filterset_class = ContractFilterSet
    index_view_class = ContractIndexView
    inspect_view_class = ContractInspectView

    def get_urlpatterns(self) -> list[Any]:
        customer = {
            "index_url_name": "billing-customer:index",
            "inspect_url_name": "billing-customer:inspect",
        }
        sign = SignView.as_view(**customer)
        contracts = {"index_url_name": "billing-contract:index"}
        return [
            *super().get_urlpatterns(),
            path("new/", NewContractView.as_view(), name="new"),
            path("import/", UploadView.as_view(), name="import"),
            path("import/<int:pk>/", ImportView.as_view(**contracts), name="import_file"),
            path("sign/<int:pk>/", sign, name="sign"),
            path("terminate/<int:pk>/", self.construct_view(TerminateView), name="terminate"),
        ]


def customer_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("New contract"),
            "billing-contract:sign",
            "form",
            "cms_billing_memberships.add_contract",
        )
    ]


def contracts_of_customer(request: Any, customer: Customer) -> Iterable[Section]:
    if request.user.has_perm("cms_billing_memberships.view_contract"):
        contracts = customer.contracts.select_related("plan").annotate(next_due=Min("lines__next_due"))
        yield TableSection(
            _("Contracts"),
            [
                LinkColumn("number", label=_("Contract"), accessor="number", get_url=contract_url),
                Column("plan", label=_("Plan")),
                StateColumn(
                    "state",
                    label=_("State"),
                    accessor="get_state_display",
                    good=lambda contract: contract.state == Contract.State.ACTIVE,
                ),
                DateColumn("start", label=pgettext("of a contract", "Start")),
                DateColumn("end", label=_("Last day")),
                DateColumn("next_due", label=_("Next due")),
            ],
            contracts,
        )
