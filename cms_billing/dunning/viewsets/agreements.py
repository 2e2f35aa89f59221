"""Agreements: the list, a page each with instalments and progress, and ending one early."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from wagtail.admin.ui.tables import Column

from cms_billing.core import clock
from cms_billing.core.admin import (
    Action,
    ActionView,
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
    WhatNext,
    date_text,
    money_text,
)

from ..agreement_facts import AgreementFacts, facts_of
from ..models import Agreement, AgreementNotice, Case, Instalment
from ..services import end_agreement
from .agreement_forms import DECIDE, AgreementForCaseView, AgreementForCustomerView

State = Agreement.State
VIEW = "cms_billing_dunning.view_agreement"


def agreement_url(agreement: Agreement) -> str:
    return reverse("billing-agreement:inspect", args=[agreement.pk])


class AgreementFilterSet(BillingFilterSet):
    state = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("State"), choices=State.choices, widget=forms.CheckboxSelectMultiple
    )
    kind = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Kind"), choices=Agreement.Kind.choices, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Agreement
        fields = ["state", "kind", "by_member"]


class AgreementIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "customer")

    def what_next(self) -> WhatNext:
        return WhatNext(
            _("They are made on the pages of customers and dunning cases, or by members themselves.")
        )


class ProgressSection(Section):
    template_name = "cms_billing/dunning/admin/progress_section.html"

    def __init__(self, title: Any, standing: AgreementFacts) -> None:
        super().__init__(title)
        self.standing = standing

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:
        return {**super().get_context_data(parent_context), "standing": self.standing}


class AgreementInspectView(InspectView):
    extension = "billing_dunning_agreement"
    actions = [
        Action(
            gettext_lazy("End the agreement"),
            "billing-agreement:end",
            "cross",
            DECIDE,
            when=lambda agreement: agreement.state == State.RUNNING,
        )
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "customer", "user")

    def facts(self) -> Iterable[Fact]:
        agreement = self.object
        yield Fact(
            _("Customer"),
            agreement.customer,
            url=reverse("billing-customer:inspect", args=[agreement.customer_id]),
        )
        yield Fact(_("Kind"), agreement.get_kind_display())
        tones = {State.RUNNING: "", State.KEPT: "good", State.BROKEN: "critical", State.ENDED: "warning"}
        yield Fact(_("State"), agreement.get_state_display(), tone=tones[State(agreement.state)])
        yield Fact(_("Amount"), money_text(agreement.amount))
        yield Fact(_("Agreed on"), date_text(agreement.starts_on))
        yield Fact(_("Last payment by"), date_text(agreement.until))
        yield Fact(_("Days of grace"), str(agreement.grace_days))
        yield Fact(
            _("Locked content"), _("open while it is kept") if agreement.opens_access else _("stays locked")
        )
        yield Fact(_("Made by"), _("the member") if agreement.by_member else agreement.user or "")
        yield Fact(_("Note"), agreement.note)
        yield Fact(_("Ended on"), date_text(agreement.ended_on))
        yield Fact(_("Ended because"), agreement.end_reason)
        yield Fact(_("Issuer"), agreement.issuer)

    def own_sections(self) -> Iterable[Section]:
        [standing] = facts_of([self.object])
        yield ProgressSection(_("Paid so far"), standing)
        yield self._instalments(standing)
        yield self._documents()
        yield self._mails()

    def _instalments(self, standing: AgreementFacts) -> Section:
        paid, today = standing.paid_minor, clock.today(self.object.issuer)
        rows: list[Any] = []
        instalment: Any
        for instalment in Instalment.objects.filter(agreement=self.object).order_by("number"):
            instalment.agreement = self.object
            instalment.is_paid = paid >= instalment.amount_minor
            instalment.is_late = not instalment.is_paid and instalment.due_on < today
            paid -= instalment.amount_minor
            rows.append(instalment)
        return TableSection(
            _("Instalments"),
            [
                Column("number", label=pgettext("of an instalment", "Number")),
                DateColumn("due_on", label=_("Due on")),
                MoneyColumn("amount", label=_("Amount")),
                StateColumn("state", label=_("State"), accessor=_paid_text, good=lambda row: not row.is_late),
            ],
            rows,
        )

    def _documents(self) -> Section:
        rows = self.object.agreement_documents.select_related("document__open_item").order_by("pk")
        return TableSection(
            pgettext("of accounting", "Documents"),
            [
                LinkColumn(
                    "document",
                    label=pgettext("billing", "Document"),
                    accessor=lambda row: row.document.number,
                    get_url=lambda row: reverse("billing-document:inspect", args=[row.document_id]),
                ),
                MoneyColumn("open", label=_("Open"), accessor=lambda row: row.document.open_item.open_amount),
            ],
            rows,
        )

    def _mails(self) -> Section:
        return TableSection(
            _("Mails"),
            [
                Column("kind", label=_("Mail"), accessor="get_kind_display"),
                Column("to", label=pgettext("e-mail", "To")),
                Column("subject", label=_("Subject")),
                DateColumn("sent_at", label=_("Sent")),
            ],
            AgreementNotice.objects.filter(agreement=self.object).order_by("pk"),
        )


def _paid_text(row: Any) -> str:
    if row.is_paid:
        return _("paid")
    return _("late") if row.is_late else _("open")


class EndForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=200, help_text=gettext_lazy("For your colleagues.")
    )


class EndAgreementView(ActionView):
    model = Agreement
    permission = DECIDE
    page_title = gettext_lazy("End the agreement")
    action_label = gettext_lazy("End it")
    explanation = gettext_lazy(
        "Everything that is open is owed at once: reminders and charges go on where they were, and what the documents "
        "had locked is locked again."
    )
    is_dangerous = True
    form_class = EndForm

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "customer")

    def perform(self, form: forms.Form) -> str:
        agreement = end_agreement(
            agreement_id=self.object.pk,
            reason=form.cleaned_data["reason"],
            today=clock.today(self.object.issuer),
            user=self.request.user,
        )
        return _("Ended: %(agreement)s.") % {"agreement": agreement}


class AgreementViewSet(ReadOnlyViewSet):
    model = Agreement
    name = "billing-agreement"
    icon = "date"
    menu_label = gettext_lazy("Agreements")
    menu_order = 556
    list_display = [
        LinkColumn(
            "customer",
            label=gettext_lazy("Customer"),
            accessor=lambda agreement: str(agreement.customer),
            get_url=agreement_url,
        ),
        Column("kind", label=gettext_lazy("Kind"), accessor="get_kind_display", sort_key="kind"),
        StateColumn(
            "state",
            label=gettext_lazy("State"),
            accessor="get_state_display",
            good=lambda agreement: agreement.state in (State.RUNNING, State.KEPT),
            sort_key="state",
        ),
        DateColumn("starts_on", label=gettext_lazy("Agreed on"), sort_key="starts_on"),
        DateColumn("until", label=gettext_lazy("Last payment by"), sort_key="until"),
        MoneyColumn("amount", label=gettext_lazy("Amount"), sort_key="amount_minor"),
    ]
    ordering = "-id"
    search_fields = [
        "customer__number",
        "customer__company",
        "customer__first_name",
        "customer__last_name",
        "documents__number",
    ]
    filterset_class = AgreementFilterSet
    index_view_class = AgreementIndexView
    inspect_view_class = AgreementInspectView

    def get_urlpatterns(self) -> list[Any]:
        customer = {
            "index_url_name": "billing-customer:index",
            "inspect_url_name": "billing-customer:inspect",
        }
        case = {"index_url_name": "billing-dunning:index", "inspect_url_name": "billing-dunning:inspect"}
        return [
            *super().get_urlpatterns(),
            path("end/<int:pk>/", self.construct_view(EndAgreementView), name="end"),
            path("customer/<int:pk>/", AgreementForCustomerView.as_view(**customer), name="for_customer"),
            path("case/<int:pk>/", AgreementForCaseView.as_view(**case), name="for_case"),
        ]


def customer_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Make an agreement"), "billing-agreement:for_customer", "date", DECIDE, priority=20
        )
    ]


def case_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Make an agreement"),
            "billing-agreement:for_case",
            "date",
            DECIDE,
            when=lambda case: case.state not in (Case.State.CLOSED, Case.State.HANDED_OVER),
            priority=20,
        )
    ]


def _section(agreements: QuerySet[Agreement]) -> Iterable[Section]:
    rows = agreements.order_by("-pk")[:10]
    if rows:
        yield TableSection(
            _("Agreements"),
            [
                LinkColumn("kind", label=_("Agreement"), accessor="get_kind_display", get_url=agreement_url),
                StateColumn(
                    "state",
                    label=_("State"),
                    accessor="get_state_display",
                    good=lambda agreement: agreement.state in (State.RUNNING, State.KEPT),
                ),
                DateColumn("starts_on", label=_("Agreed on")),
                DateColumn("until", label=_("Last payment by")),
                MoneyColumn("amount", label=_("Amount")),
            ],
            rows,
        )


def agreements_of_customer(request: Any, customer: Any) -> Iterable[Section]:
    if request.user.has_perm(VIEW):
        yield from _section(Agreement.objects.filter(customer=customer))


def agreements_of_case(request: Any, case: Case) -> Iterable[Section]:
    if request.user.has_perm(VIEW):
        yield from _section(Agreement.objects.about([case.document_id]))
