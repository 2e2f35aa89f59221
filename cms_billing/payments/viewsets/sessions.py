"""Visits to the providers' pages: where each stands, what became of its money, and what it was for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
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
    TableSection,
    VisibleChoiceFilter,
    date_text,
    money_text,
)

from ..models import Payment, PaymentSession, ProviderAccount
from .actions import customer_url, document_url

State, Money = PaymentSession.State, PaymentSession.Money


class SessionFilterSet(BillingFilterSet):
    state = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("State"), choices=State.choices, widget=forms.CheckboxSelectMultiple
    )
    money = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Money"),
        choices=[choice for choice in Money.choices if choice[0]],
        widget=forms.CheckboxSelectMultiple,
    )
    purpose = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Purpose"),
        choices=PaymentSession.Purpose.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    account = VisibleChoiceFilter(label=gettext_lazy("Account at the provider"), model=ProviderAccount)
    created_at = django_filters.DateFromToRangeFilter(
        label=gettext_lazy("Created"), widget=DateRangePickerWidget
    )

    class Meta:
        model = PaymentSession
        fields = ["state", "money", "purpose", "account"]


class SessionIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer", "account", "user")


class SessionInspectView(InspectView):
    extension = "billing_paymentsession"

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer", "account", "user", "payer", "issuer")

    def facts(self) -> Iterable[Fact]:
        session = self.object
        yield Fact(_("Purpose"), session.get_purpose_display())
        yield Fact(_("Amount"), money_text(session.amount) if session.amount_minor else "")
        yield Fact(
            _("State"),
            session.get_state_display(),
            tone={State.COMPLETED: "good", State.FAILED: "critical"}.get(session.state, ""),
        )
        if session.money:
            tone = {Money.SETTLED: "good", Money.FAILED: "critical"}.get(session.money, "")
            yield Fact(_("Money"), session.get_money_display(), tone=tone)
        yield Fact(_("Problem"), session.problem, tone="critical")
        yield Fact(_("Reason"), session.reason)
        if session.customer_id:
            yield Fact(_("Customer"), session.customer, url=customer_url(session))
        yield Fact(_("User account"), session.user)
        payment = Payment.objects.filter(session=session).first()
        if payment is not None:
            yield Fact(_("Payment"), payment, url=reverse("billing-payment:inspect", args=[payment.pk]))
        yield Fact(
            pgettext("at a payment provider", "Account"),
            session.account,
            url=reverse("billing-provideraccount:inspect", args=[session.account_id]),
        )
        yield Fact(_("Provider's reference"), session.reference)
        yield Fact(_("Reference of the payment"), session.payment_reference)
        yield Fact(_("Payer at the provider"), session.payer)
        yield Fact(_("Created"), date_text(session.created_at))
        yield Fact(_("Completed"), date_text(session.completed_at))
        yield Fact(_("Provider asked"), date_text(session.asked_at))
        if session.work_state in (session.WorkState.FAILED, session.WorkState.PENDING):
            yield Fact(_("Last error"), session.last_error, tone="critical")

    def own_sections(self) -> Iterable[Section]:
        documents = self.object.documents.order_by("session_documents__position").select_related("open_item")
        if documents:
            yield TableSection(
                _("Pays"),
                [
                    LinkColumn(
                        "document", label=pgettext("billing", "Document"), accessor=str, get_url=document_url
                    ),
                    MoneyColumn("gross", label=_("Total")),
                ],
                documents,
            )


class SessionViewSet(ReadOnlyViewSet):
    model = PaymentSession
    icon = "link-external"
    menu_order = 410
    list_display = [
        "__str__",
        LinkColumn(
            "customer",
            label=gettext_lazy("Customer"),
            accessor=lambda row: str(row.customer or row.user or ""),
            get_url=lambda row: customer_url(row) if row.customer_id else None,
        ),
        Column("account", label=pgettext_lazy("at a payment provider", "Account")),
        DateColumn("created_at", label=gettext_lazy("Created"), sort_key="created_at"),
        StateColumn(
            "state",
            label=gettext_lazy("State"),
            accessor="get_state_display",
            good=lambda row: row.state == State.COMPLETED,
            sort_key="state",
        ),
        Column("money", label=gettext_lazy("Money"), accessor=lambda row: row.get_money_display()),
        MoneyColumn("amount", label=gettext_lazy("Amount"), sort_key="amount_minor"),
    ]
    ordering = "-id"
    search_fields = [
        "reference",
        "payment_reference",
        "customer__number",
        "customer__company",
        "customer__last_name",
        "description",
    ]
    filterset_class = SessionFilterSet
    index_view_class = SessionIndexView
    inspect_view_class = SessionInspectView
