"""Cases: the list, the page with timeline and letters, and what a person may decide."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from wagtail.admin.ui.tables import Column
from wagtail.admin.widgets.button import HeaderButton

from cms_billing.core import clock
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
    date_text,
    money_text,
)
from cms_billing.core.ui.viewsets import BillingIndexView
from cms_billing.faktura.models import Document, DocumentKind, LedgerEntry

from ..models import HIGHEST_LEVEL, Case
from ..plans import decision_for
from ..reasons import sentence
from ..rules import Step
from ..selectors import contracts_of_documents
from . import actions
from .preview import PreviewView

State = Case.State
DECIDE = "cms_billing_dunning.decide_case"


class CaseFilterSet(BillingFilterSet):
    state = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("State"), choices=State.choices, widget=forms.CheckboxSelectMultiple
    )
    level = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Level"),
        choices=[(number, str(number)) for number in range(HIGHEST_LEVEL + 1)],
        widget=forms.CheckboxSelectMultiple,
    )
    customer = django_filters.CharFilter(
        label=gettext_lazy("Customer number"), field_name="customer__number", lookup_expr="iexact"
    )

    class Meta:
        model = Case
        fields = ["state", "level", "lock_scope"]


class CaseIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "customer", "document__open_item")

    @property
    def header_buttons(self) -> list[Any]:
        url = reverse("billing-dunning:preview")
        return [HeaderButton(_("Preview of the next run"), url=url, icon_name="view")]


def customer_url(case: Case) -> str:
    return reverse("billing-customer:inspect", args=[case.customer_id])


def document_url(document: Document | None) -> str | None:
    return reverse("billing-document:inspect", args=[document.pk]) if document else None


def case_url(case: Case) -> str:
    return reverse("billing-dunning:inspect", args=[case.pk])


class CaseInspectView(InspectView):
    extension = "billing_dunning_case"
    actions = [
        Action(
            gettext_lazy("Stop"),
            "billing-dunning:stop",
            "cross",
            DECIDE,
            when=lambda case: State.STOPPED in Case.TRANSITIONS[State(case.state)],
        ),
        Action(
            gettext_lazy("Next step now"),
            "billing-dunning:next",
            "arrow-right",
            DECIDE,
            when=lambda case: case.state == State.OPEN,
        ),
        Action(
            gettext_lazy("Resume"),
            "billing-dunning:resume",
            "rotate",
            DECIDE,
            when=lambda case: case.state in (State.STOPPED, State.READY_FOR_COLLECTION),
        ),
        Action(
            gettext_lazy("Waive the fee"),
            "billing-dunning:waive_fee",
            "minus",
            "cms_billing_dunning.waive_fee",
            when=lambda case: actions.fee_left(case).minor > 0,
        ),
        Action(
            gettext_lazy("Block the customer"),
            "billing-dunning:block",
            "lock",
            "cms_billing_faktura.block_dunning",
            when=lambda case: case.state != State.CLOSED and not case.customer.dunning_block,
        ),
        Action(
            gettext_lazy("Lift the customer's block"),
            "billing-dunning:unblock",
            "lock-open",
            "cms_billing_faktura.block_dunning",
            when=lambda case: case.customer.dunning_block,
        ),
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "customer", "document__open_item")

    def facts(self) -> Iterable[Fact]:
        case = self.object
        owed = case.open_amount
        locks = case.locked and owed.minor > 0
        yield Fact(_("Customer"), case.customer, url=customer_url(case))
        yield Fact(pgettext("billing", "Document"), case.document, url=document_url(case.document))
        yield Fact(_("Due on"), date_text(case.document.open_item.due_on))
        yield Fact(_("Open"), money_text(owed), tone="critical" if owed.minor > 0 else "good")
        yield Fact(_("State"), case.get_state_display(), tone="good" if case.state == State.CLOSED else "")
        yield Fact(_("Level"), str(case.level))
        yield Fact(_("Access"), self.access_text(locks=locks), tone="critical" if locks else "good")
        yield Fact(_("Last letter"), date_text(case.last_letter_on))
        yield Fact(_("Closed"), f"{date_text(case.closed_on)} {case.get_close_reason_display()}".strip())
        yield Fact(_("Issuer"), case.issuer)
        if case.state != State.CLOSED:
            decision = decision_for(case, today=clock.today(case.issuer))
            tone = "" if decision.step is Step.NONE else "warning"
            yield Fact(_("Next run"), sentence(decision), tone=tone)

    def access_text(self, *, locks: bool) -> str:
        contracts = ", ".join(contracts_of_documents([self.object.document_id])[self.object.document_id])
        if not contracts:
            return _("The document pays for no contract.")
        text = _("%(contracts)s is locked.") if locks else _("%(contracts)s is open.")
        return text % {"contracts": contracts}

    def own_sections(self) -> Iterable[Section]:
        yield self._timeline()
        yield self._letters()
        yield self._ledger()

    def _timeline(self) -> Section:
        return TableSection(
            _("Timeline"),
            [
                DateColumn("at", label=_("At")),
                Column("kind", label=_("Step"), accessor="get_kind_display"),
                Column("level", label=_("Level")),
                LinkColumn(
                    "letter",
                    label=_("Letter"),
                    accessor=lambda step: step.letter.number if step.letter else "",
                    get_url=lambda step: document_url(step.letter),
                ),
                Column("reason", label=_("Reason")),
                Column("user", label=_("By"), accessor=lambda step: step.user or ""),
            ],
            self.object.steps.select_related("letter", "user").order_by("pk"),
        )

    def _letters(self) -> Section:
        letters = Document.objects.filter(
            kind=DocumentKind.DUNNING_LETTER, dunning_steps__case=self.object
        ).distinct()
        return TableSection(
            _("Letters"),
            [
                LinkColumn("number", label=_("Letter"), get_url=document_url),
                DateColumn("issued_on", label=_("Date")),
                Column("level", label=_("Level"), accessor=lambda letter: letter.extra.get("level", "")),
                Column("claims", label=_("Claims"), accessor=_claims_text),
                Column("sent", label=_("Sent"), accessor=_sent_text),
            ],
            letters.prefetch_related("deliveries").order_by("pk"),
            empty=_("No letter yet."),
        )

    def _ledger(self) -> Section:
        return TableSection(
            _("Claim"),
            [
                DateColumn("booked_on", label=_("Date")),
                Column("kind", label=_("Entry"), accessor="get_kind_display"),
                Column("note", label=_("Note")),
                MoneyColumn("amount", label=_("Amount")),
            ],
            LedgerEntry.objects.filter(document=self.object.document_id),
        )


def _claims_text(letter: Document) -> str:
    return ", ".join(f"{claim['number']} ({claim['level']})" for claim in letter.extra.get("claims", []))


def _sent_text(letter: Document) -> str:
    return ", ".join(
        f"{delivery.to} {date_text(delivery.sent_at) or delivery.get_work_state_display()}"
        for delivery in letter.deliveries.all()
    )


class CaseViewSet(ReadOnlyViewSet):
    model = Case
    name = "billing-dunning"
    icon = "warning"
    menu_label = gettext_lazy("Dunning")
    menu_order = 550
    list_display = [
        LinkColumn(
            "document",
            label=pgettext_lazy("billing", "Document"),
            accessor=lambda case: case.document.number,
            get_url=case_url,
        ),
        LinkColumn(
            "customer",
            label=gettext_lazy("Customer"),
            accessor=lambda case: str(case.customer),
            get_url=customer_url,
        ),
        Column("level", label=gettext_lazy("Level"), sort_key="level"),
        StateColumn(
            "state",
            label=gettext_lazy("State"),
            accessor="get_state_display",
            good=lambda case: case.state != State.CLOSED,
            sort_key="state",
        ),
        Column(
            "locked", label=gettext_lazy("Access"), accessor=lambda case: _("locked") if case.locked else ""
        ),
        DateColumn("last_letter_on", label=gettext_lazy("Last letter"), sort_key="last_letter_on"),
        MoneyColumn("open_amount", label=gettext_lazy("Open"), sort_key="document__open_item__open_minor"),
    ]
    ordering = "-id"
    search_fields = [
        "document__number",
        "customer__number",
        "customer__company",
        "customer__first_name",
        "customer__last_name",
    ]
    filterset_class = CaseFilterSet
    index_view_class = CaseIndexView
    inspect_view_class = CaseInspectView

    def get_urlpatterns(self) -> list[Any]:
        return [
            *super().get_urlpatterns(),
            path("preview/", self.construct_view(PreviewView), name="preview"),
            path("next/<int:pk>/", self.construct_view(actions.NextStepView), name="next"),
            path("stop/<int:pk>/", self.construct_view(actions.StopView), name="stop"),
            path("resume/<int:pk>/", self.construct_view(actions.ResumeView), name="resume"),
            path("waive-fee/<int:pk>/", self.construct_view(actions.WaiveFeeView), name="waive_fee"),
            path("block/<int:pk>/", self.construct_view(actions.BlockView), name="block"),
            path("unblock/<int:pk>/", self.construct_view(actions.UnblockView), name="unblock"),
        ]


def cases_section(cases: QuerySet[Case], **kwargs: Any) -> Section:
    """For the pages of customers and documents."""
    return TableSection(
        _("Dunning"),
        [
            LinkColumn(
                "document", label=_("Case"), accessor=lambda case: case.document.number, get_url=case_url
            ),
            Column("level", label=_("Level")),
            StateColumn(
                "state",
                label=_("State"),
                accessor="get_state_display",
                good=lambda case: case.state != State.CLOSED,
            ),
            Column("locked", label=_("Access"), accessor=lambda case: _("locked") if case.locked else ""),
            DateColumn("last_letter_on", label=_("Last letter")),
            MoneyColumn("open_amount", label=_("Open")),
        ],
        cases.select_related("document__open_item"),
        **kwargs,
    )
