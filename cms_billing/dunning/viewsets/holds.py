"""Blocks and disputes: the list, a page each, and what a person may decide about them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
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
    ReadOnlyViewSet,
    Section,
    StateColumn,
    TableSection,
    WhatNext,
    date_text,
)

from ..models import Hold
from ..services import approve_hold, lift_hold, refuse_hold
from ..services.holds import cases_of
from .cases import cases_section
from .hold_forms import DECIDE, HoldForCaseView, HoldForCustomerView, HoldForDocumentView

State = Hold.State


def hold_url(hold: Hold) -> str:
    return reverse("billing-dunning-hold:inspect", args=[hold.pk])


def until_text(hold: Hold) -> str:
    return date_text(hold.until) or _("until lifted")


class HoldFilterSet(BillingFilterSet):
    state = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("State"), choices=State.choices, widget=forms.CheckboxSelectMultiple
    )
    scope = django_filters.ChoiceFilter(
        label=gettext_lazy("For"),
        method="filter_scope",
        empty_label=gettext_lazy("All"),
        choices=[
            ("customer", gettext_lazy("whole customers")),
            ("contract", gettext_lazy("contracts")),
            ("document", pgettext_lazy("billing", "documents")),
        ],
    )
    customer = django_filters.CharFilter(
        label=gettext_lazy("Customer number"), field_name="customer__number", lookup_expr="iexact"
    )

    class Meta:
        model = Hold
        fields = ["state", "kind"]

    def filter_scope(self, holds: QuerySet[Hold], name: str, value: str) -> QuerySet[Hold]:
        if value == "document":
            return holds.filter(document__isnull=False)
        if value == "contract":
            return holds.exclude(contract_reference="")
        return holds.filter(document=None, contract_reference="")


class HoldIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer", "document", "created_by")

    def what_next(self) -> WhatNext:
        return WhatNext(_("They are set on the pages of customers, documents and dunning cases."))


class HoldInspectView(InspectView):
    extension = "billing_dunning_hold"
    actions = [
        Action(
            gettext_lazy("Approve"),
            "billing-dunning-hold:approve",
            "check",
            DECIDE,
            when=lambda hold: hold.state == State.WAITING,
        ),
        Action(
            gettext_lazy("Refuse"),
            "billing-dunning-hold:refuse",
            "cross",
            DECIDE,
            when=lambda hold: hold.state == State.WAITING,
        ),
        Action(
            gettext_lazy("Lift"),
            "billing-dunning-hold:lift",
            "lock-open",
            DECIDE,
            when=lambda hold: hold.state == State.STANDING,
        ),
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "customer", "document", "created_by", "decided_by")

    def facts(self) -> Iterable[Fact]:
        hold = self.object
        customer = reverse("billing-customer:inspect", args=[hold.customer_id])
        document = reverse("billing-document:inspect", args=[hold.document_id]) if hold.document_id else None
        yield Fact(_("Customer"), hold.customer, url=customer)
        yield Fact(_("For"), hold.scope_text, url=document)
        yield Fact(_("Kind"), hold.get_kind_display())
        yield Fact(_("State"), hold.get_state_display(), tone=_tone(hold))
        yield Fact(_("Until"), until_text(hold))
        yield Fact(_("Reason"), hold.reason)
        yield Fact(pgettext("a hold", "Set"), _by(hold.created_at, hold.created_by))
        yield Fact(_("Decided"), _by(hold.decided_at, hold.decided_by) if hold.decided_at else "")
        yield Fact(_("Note"), hold.note)
        yield Fact(_("Issuer"), hold.issuer)

    def own_sections(self) -> Iterable[Section]:
        yield cases_section(cases_of([self.object]))


def _by(at: Any, user: Any) -> str:
    return f"{date_text(at)} {user or ''}".strip()


def _tone(hold: Hold) -> str:
    return {State.STANDING: "warning", State.WAITING: "warning"}.get(State(hold.state), "")


class HoldActionView(ActionView):
    model = Hold
    permission = DECIDE

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "customer")


class WhyForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=200, help_text=gettext_lazy("For your colleagues.")
    )


class WhyOrNotForm(WhyForm):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("For your colleagues."),
    )


class ApproveView(HoldActionView):
    page_title = gettext_lazy("Approve the block")
    action_label = gettext_lazy("Approve")
    explanation = gettext_lazy("From now on it stands: no letters go out for what it is for.")

    def obstacle(self) -> str:
        if self.object.created_by_id == self.request.user.pk:
            return _("Somebody else than who set the block has to approve it.")
        return ""

    def perform(self, form: forms.Form) -> str:
        approve_hold(hold_id=self.object.pk, today=clock.today(self.object.issuer), user=self.request.user)
        return _("“%(hold)s” stands.") % {"hold": self.object}


class RefuseView(HoldActionView):
    page_title = gettext_lazy("Refuse the block")
    action_label = gettext_lazy("Refuse")
    explanation = gettext_lazy("It never stands; letters go out as if nobody had asked for it.")
    form_class = WhyForm

    def perform(self, form: forms.Form) -> str:
        refuse_hold(hold_id=self.object.pk, reason=form.cleaned_data["reason"], user=self.request.user)
        return _("“%(hold)s” is refused.") % {"hold": self.object}


class LiftView(HoldActionView):
    page_title = gettext_lazy("Lift the block")
    action_label = gettext_lazy("Lift")
    explanation = gettext_lazy("What has become due meanwhile is due in the next run, one level at a time.")
    form_class = WhyOrNotForm

    def perform(self, form: forms.Form) -> str:
        lift_hold(hold_id=self.object.pk, reason=form.cleaned_data["reason"], user=self.request.user)
        return _("“%(hold)s” is lifted.") % {"hold": self.object}


def _columns() -> list[Any]:
    return [
        LinkColumn("scope", label=_("For"), accessor=lambda hold: hold.scope_text, get_url=hold_url),
        Column("kind", label=_("Kind"), accessor="get_kind_display"),
        StateColumn(
            "state",
            label=_("State"),
            accessor="get_state_display",
            good=lambda hold: hold.state in (State.STANDING, State.WAITING),
        ),
        Column("until", label=_("Until"), accessor=until_text),
        Column("reason", label=_("Reason")),
    ]


def _section(holds: QuerySet[Hold], **kwargs: Any) -> Section:
    return TableSection(
        _("Dunning blocks and disputes"), _columns(), holds.select_related("document"), **kwargs
    )


def holds_of_customer(request: Any, customer: Any) -> Iterable[Section]:
    holds = Hold.objects.filter(customer=customer)
    if request.user.has_perm("cms_billing_dunning.view_hold") and holds.exists():
        url = f"{reverse('billing-dunning-hold:index')}?customer={customer.number}"
        yield _section(holds[:10], url=url)


def holds_of_document(request: Any, document: Any) -> Iterable[Section]:
    holds = Hold.objects.of_document(document)
    if request.user.has_perm("cms_billing_dunning.view_hold") and holds.exists():
        yield _section(holds[:10])


def holds_of_case(request: Any, case: Any) -> Iterable[Section]:
    yield from holds_of_document(request, case.document)


def facts_of_customer(request: Any, customer: Any) -> Iterable[Fact]:
    """What stands against all of the customer's letters today."""
    whole = Hold.objects.filter(customer=customer, document=None, contract_reference="")
    for hold in whole.holding_on(clock.today(customer.issuer)):
        text = _("blocked until %(day)s") % {"day": date_text(hold.until)} if hold.until else _("blocked")
        yield Fact(_("Reminders"), f"{text}: {hold.reason}", url=hold_url(hold), tone="warning")


def customer_filters(request: Any) -> dict[str, django_filters.Filter]:
    """Of the list of customers."""
    if not request.user.has_perm("cms_billing_dunning.view_hold"):
        return {}
    return {
        "held": django_filters.ChoiceFilter(
            label=gettext_lazy("Block or dispute"),
            choices=[("yes", gettext_lazy("with")), ("no", gettext_lazy("without"))],
            method=_customers_held,
            widget=forms.RadioSelect,
            empty_label=gettext_lazy("All"),
        )
    }


def _customers_held(customers: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
    holds = Exists(Hold.objects.holding_on(clock.today()).filter(customer=OuterRef("pk")))
    return customers.filter(holds if value == "yes" else ~holds)


def customer_actions() -> list[Action]:
    return [
        Action(gettext_lazy("Block reminders"), "billing-dunning-hold:for_customer", "lock", DECIDE),
    ]


def document_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Block or dispute"),
            "billing-dunning-hold:for_document",
            "lock",
            DECIDE,
            when=_may_be_dunned,
        ),
    ]


def _may_be_dunned(document: Any) -> bool:
    item = getattr(document, "open_item", None)
    return item is not None and item.open_minor > 0


def waiting_holds(request: Any) -> Iterable[Section]:
    """On the to-do list: blocks that wait for a second person."""
    if not request.user.has_perm(DECIDE):
        return
    holds = (
        Hold.objects.visible_to(request.user).waiting().select_related("customer", "document", "created_by")
    )
    rows = list(holds.order_by("pk")[:20])
    if not rows:
        return
    who = LinkColumn("customer", label=_("Customer"), accessor=lambda h: str(h.customer), get_url=hold_url)
    by = Column("created_by", label=_("Set by"), accessor=lambda hold: hold.created_by or "")
    yield TableSection(
        _("Dunning blocks to approve"),
        [who, *_columns(), by],
        rows,
        url=f"{reverse('billing-dunning-hold:index')}?state=waiting",
        url_label=_("All that wait"),
    )


class HoldViewSet(ReadOnlyViewSet):
    model = Hold
    name = "billing-dunning-hold"
    icon = "lock"
    menu_label = gettext_lazy("Dunning blocks")
    menu_order = 555
    list_display = [
        LinkColumn(
            "customer",
            label=gettext_lazy("Customer"),
            accessor=lambda hold: str(hold.customer),
            get_url=hold_url,
        ),
        Column("scope", label=gettext_lazy("For"), accessor=lambda hold: hold.scope_text),
        Column("kind", label=gettext_lazy("Kind"), accessor="get_kind_display"),
        StateColumn(
            "state",
            label=gettext_lazy("State"),
            accessor="get_state_display",
            good=lambda hold: hold.state in (State.STANDING, State.WAITING),
            sort_key="state",
        ),
        Column("until", label=gettext_lazy("Until"), accessor=until_text, sort_key="until"),
        Column("reason", label=gettext_lazy("Reason")),
        DateColumn("created_at", label=pgettext_lazy("a hold", "Set"), sort_key="created_at"),
        Column("created_by", label=gettext_lazy("By"), accessor=lambda hold: hold.created_by or ""),
    ]
    ordering = "-id"
    search_fields = [
        "reason",
        "contract_reference",
        "document__number",
        "customer__number",
        "customer__company",
        "customer__first_name",
        "customer__last_name",
    ]
    filterset_class = HoldFilterSet
    index_view_class = HoldIndexView
    inspect_view_class = HoldInspectView

    def get_urlpatterns(self) -> list[Any]:
        customer = _leading_back_to("billing-customer")
        document = _leading_back_to("billing-document")
        case = _leading_back_to("billing-dunning")
        return [
            *super().get_urlpatterns(),
            path("customer/<int:pk>/", HoldForCustomerView.as_view(**customer), name="for_customer"),
            path("document/<int:pk>/", HoldForDocumentView.as_view(**document), name="for_document"),
            path("case/<int:pk>/", HoldForCaseView.as_view(**case), name="for_case"),
            path("approve/<int:pk>/", self.construct_view(ApproveView), name="approve"),
            path("refuse/<int:pk>/", self.construct_view(RefuseView), name="refuse"),
            path("lift/<int:pk>/", self.construct_view(LiftView), name="lift"),
        ]


def _leading_back_to(namespace: str) -> dict[str, str]:
    return {"index_url_name": f"{namespace}:index", "inspect_url_name": f"{namespace}:inspect"}
