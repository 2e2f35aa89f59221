"""Claims at agencies: what became of each, taken back or given up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
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
    MoneyColumn,
    ReadOnlyViewSet,
    Section,
    TableSection,
    date_text,
    money_text,
)
from cms_billing.faktura.viewsets.write_offs import WITHOUT_LIMIT, WRITE_OFF

from ..models import Case, ClaimStatus, HandOverClaim
from ..services import recall_claim, write_off_claim

RECALL = "cms_billing_dunning.recall_handover"


def is_owed(claim: HandOverClaim) -> bool:
    return bool(claim.document.open_item.open_minor > 0)


class ClaimFilterSet(BillingFilterSet):
    status = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Status"), choices=ClaimStatus.choices, widget=forms.CheckboxSelectMultiple
    )
    owed = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Owed"),
        method="filter_owed",
        choices=[("yes", gettext_lazy("Still owed"))],
        widget=forms.CheckboxSelectMultiple,
    )
    at_agency = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Where"),
        method="filter_at_agency",
        choices=[("yes", gettext_lazy("Not recalled"))],
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = HandOverClaim
        fields: list[str] = []

    def filter_owed(self, rows: Any, name: str, values: list[str]) -> Any:
        return rows.filter(document__open_item__open_minor__gt=0) if values else rows

    def filter_at_agency(self, rows: Any, name: str, values: list[str]) -> Any:
        return rows.at_agency() if values else rows


class ClaimIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("hand_over__agency", "customer", "document__open_item", "issuer")


class ClaimInspectView(InspectView):
    extension = "billing_agency_claim"
    actions = [
        Action(
            gettext_lazy("Recall"),
            "billing-agency-claim:recall",
            "rotate",
            RECALL,
            when=lambda claim: claim.recalled_on is None,
        ),
        Action(gettext_lazy("Write off"), "billing-agency-claim:write_off", "minus", WRITE_OFF, when=is_owed),
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("hand_over__agency", "customer", "document__open_item", "case")

    def facts(self) -> Iterable[Fact]:
        claim = self.object
        made, owed = claim.hand_over, claim.document.open_item.open_amount
        yield Fact(_("Hand-over"), made, url=reverse("billing-hand-over:inspect", args=[made.pk]))
        yield Fact(_("Agency"), made.agency, url=reverse("billing-agency:inspect", args=[made.agency_id]))
        yield Fact(
            _("Customer"), claim.customer, url=reverse("billing-customer:inspect", args=[claim.customer_id])
        )
        yield Fact(
            pgettext("billing", "Document"),
            claim.document,
            url=reverse("billing-document:inspect", args=[claim.document_id]),
        )
        yield Fact(_("Case"), claim.case, url=reverse("billing-dunning:inspect", args=[claim.case_id]))
        yield Fact(_("Handed over"), money_text(claim.total))
        yield Fact(_("Open"), money_text(owed), tone="critical" if owed.minor > 0 else "good")
        yield Fact(_("Status"), claim.get_status_display())
        yield Fact(_("Status of"), date_text(claim.status_on))
        yield Fact(_("Note of the agency"), claim.status_note)
        yield Fact(_("Costs of the agency"), money_text(claim.costs) if claim.costs_minor else "")
        yield Fact(_("Recalled"), date_text(claim.recalled_on), tone="warning")
        yield Fact(_("Because"), claim.recall_reason)

    def own_sections(self) -> Iterable[Section]:
        changes = self.object.changes.select_related("report").order_by("pk")
        yield TableSection(
            _("Since then"),
            [
                DateColumn("day", label=_("Date")),
                Column("kind", label=_("What happened"), accessor="get_kind_display"),
                MoneyColumn("amount", label=_("Amount")),
                Column("note", label=_("Note")),
                LinkColumn(
                    "report",
                    label=_("Told in"),
                    accessor=_told,
                    get_url=lambda change: (
                        reverse("billing-hand-over:inspect", args=[change.report_id])
                        if change.report_id
                        else None
                    ),
                ),
            ],
            changes,
            note=_("Payments, corrections and recalls go to the agency with the next daily run."),
        )


def _told(change: Any) -> str:
    if change.from_agency:
        return _("known from the agency")
    return str(change.report) if change.report else _("the next report")


class RecallForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=200, help_text=gettext_lazy("The agency reads it.")
    )
    state = forms.ChoiceField(
        label=gettext_lazy("The case"),
        choices=[
            (Case.State.STOPPED, gettext_lazy("is stopped: nothing more happens by itself")),
            (Case.State.OPEN, gettext_lazy("goes on at its level")),
        ],
        initial=Case.State.STOPPED,
        widget=forms.RadioSelect,
    )


class ClaimActionView(ActionView):
    model = HandOverClaim

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("hand_over__agency", "document__open_item", "document__issuer")


class RecallView(ClaimActionView):
    permission = RECALL
    page_title = gettext_lazy("Recall from the agency")
    action_label = gettext_lazy("Recall")
    form_class = RecallForm
    explanation = gettext_lazy(
        "The claim is ours again. The agency is told in the next report; call it where that is too late."
    )

    def perform(self, form: forms.Form) -> str:
        claim = recall_claim(
            claim_id=self.object.pk,
            reason=form.cleaned_data["reason"],
            state=form.cleaned_data["state"],
            today=clock.today(self.object.document.issuer),
            user=self.request.user,
        )
        return _("%(claim)s is recalled.") % {"claim": claim}


class GiveUpForm(forms.Form):
    note = forms.CharField(label=gettext_lazy("Note"), max_length=150, required=False)


class GiveUpView(ClaimActionView):
    permission = WRITE_OFF
    page_title = gettext_lazy("Write off")
    action_label = gettext_lazy("Write off")
    form_class = GiveUpForm
    is_dangerous = True
    explanation = gettext_lazy(
        "All that is open of the claim is given up in the books as uncollectable, and its case is closed. The invoice "
        "and its tax stay as they are."
    )

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.user.has_perm(WITHOUT_LIMIT):
            self.permission = WITHOUT_LIMIT
        elif not request.user.has_perm(WRITE_OFF):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def obstacle(self) -> str:
        return "" if is_owed(self.object) else _("Nothing is owed any more.")

    def perform(self, form: forms.Form) -> str:
        claim = write_off_claim(
            claim_id=self.object.pk,
            note=form.cleaned_data["note"],
            today=clock.today(self.object.document.issuer),
            limited=not self.request.user.has_perm(WITHOUT_LIMIT),
            user=self.request.user,
        )
        return _("%(claim)s is written off.") % {"claim": claim}


class ClaimViewSet(ReadOnlyViewSet):
    model = HandOverClaim
    name = "billing-agency-claim"
    icon = "list-ul"
    menu_label = gettext_lazy("Claims at agencies")
    menu_order = 572
    list_display = [
        LinkColumn(
            "document",
            label=pgettext_lazy("billing", "Document"),
            accessor=lambda claim: claim.document.number,
            get_url=lambda claim: reverse("billing-agency-claim:inspect", args=[claim.pk]),
        ),
        Column("customer", label=gettext_lazy("Customer"), accessor=lambda claim: str(claim.customer)),
        Column("agency", label=gettext_lazy("Agency"), accessor=lambda claim: str(claim.hand_over.agency)),
        Column("hand_over", label=gettext_lazy("Hand-over"), accessor=lambda claim: str(claim.hand_over)),
        Column("status", label=gettext_lazy("Status"), accessor="get_status_display", sort_key="status"),
        DateColumn("recalled_on", label=gettext_lazy("Recalled")),
        MoneyColumn("total", label=gettext_lazy("Handed over"), sort_key="total_minor"),
        MoneyColumn(
            "open",
            label=gettext_lazy("Open"),
            accessor=lambda claim: claim.document.open_item.open_amount,
            sort_key="document__open_item__open_minor",
        ),
    ]
    ordering = "-id"
    search_fields = [
        "document__number",
        "customer__number",
        "customer__company",
        "customer__last_name",
        "hand_over__agency__name",
    ]
    filterset_class = ClaimFilterSet
    index_view_class = ClaimIndexView
    inspect_view_class = ClaimInspectView

    def get_urlpatterns(self) -> list[Any]:
        return [
            *super().get_urlpatterns(),
            path("recall/<int:pk>/", self.construct_view(RecallView), name="recall"),
            path("write-off/<int:pk>/", self.construct_view(GiveUpView), name="write_off"),
        ]


def claims_section(claims: QuerySet[Any]) -> Section:
    """For the page of a case: where its claim is, and what the agency says."""
    return TableSection(
        _("At an agency"),
        [
            LinkColumn(
                "hand_over",
                label=_("Hand-over"),
                accessor=lambda claim: str(claim.hand_over),
                get_url=lambda claim: reverse("billing-agency-claim:inspect", args=[claim.pk]),
            ),
            Column("agency", label=_("Agency"), accessor=lambda claim: str(claim.hand_over.agency)),
            DateColumn("day", label=_("Date"), accessor=lambda claim: claim.hand_over.day),
            Column("status", label=_("Status"), accessor="get_status_display"),
            DateColumn("recalled_on", label=_("Recalled")),
            MoneyColumn("total", label=_("Handed over")),
        ],
        claims.select_related("hand_over__agency").order_by("pk"),
    )


def claims_given_up(request: Any) -> Iterable[Section]:
    """On the to-do list: what an agency could not collect and is still owed; a person recalls it or gives it up."""
    if not request.user.has_perm("cms_billing_dunning.view_handoverclaim"):
        return
    given_up = HandOverClaim.objects.visible_to(request.user).filter(
        recalled_on=None,
        status__in=[ClaimStatus.UNCOLLECTABLE, ClaimStatus.CLOSED],
        document__open_item__open_minor__gt=0,
    )
    related = ("hand_over__agency", "customer", "document__open_item")
    rows = list(given_up.select_related(*related).order_by("pk")[:20])
    if rows:
        yield TableSection(
            _("Given up by the agency"),
            [
                LinkColumn(
                    "document",
                    label=pgettext("billing", "Document"),
                    accessor=lambda claim: claim.document.number,
                    get_url=lambda claim: reverse("billing-agency-claim:inspect", args=[claim.pk]),
                ),
                Column("customer", label=_("Customer"), accessor=lambda claim: str(claim.customer)),
                Column("agency", label=_("Agency"), accessor=lambda claim: str(claim.hand_over.agency)),
                Column("status", label=_("Status"), accessor="get_status_display"),
                MoneyColumn(
                    "open", label=_("Open"), accessor=lambda claim: claim.document.open_item.open_amount
                ),
            ],
            rows,
            url=f"{reverse('billing-agency-claim:index')}?status=uncollectable&status=closed&owed=yes",
            url_label=_("All of them"),
        )
