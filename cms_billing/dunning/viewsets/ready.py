"""What is ready for collection: looked through, ticked and released by a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from wagtail.admin.ui.tables import Column

from cms_billing.core import clock
from cms_billing.core.admin import (
    BillingBulkAction,
    BillingFilterSet,
    BillingIndexView,
    BulkProblem,
    BulkResult,
    DateColumn,
    LinkColumn,
    MoneyColumn,
    ReadOnlyViewSet,
    WhatNext,
    money_text,
    rows_visible_to,
)
from cms_billing.core.exceptions import BillingError

from ..models import Agency, Case
from ..services import hand_over

RELEASE = "cms_billing_dunning.release_handover"
State = Case.State


class HandOverForm(forms.Form):
    agency = forms.ModelChoiceField(label=gettext_lazy("Agency"), queryset=Agency.objects.none())

    def __init__(self, *args: Any, user: Any, issuers: set[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        agencies = rows_visible_to(Agency.objects.active(), user).filter(issuer__in=issuers)
        field: Any = self.fields["agency"]
        field.queryset = agencies.select_related("issuer")
        field.label_from_instance = lambda agency: f"{agency} ({agency.issuer})"
        if default := next((agency for agency in agencies if agency.is_default), None):
            self.initial["agency"] = default


class HandOverAction(BillingBulkAction):
    """One transaction for all that are ticked: one file, one number. What something stands against stays."""

    action_type = "hand_over"
    display_name = gettext_lazy("Hand over")
    aria_label = gettext_lazy("Hand the selected claims over to an agency")
    action_label = gettext_lazy("Hand over")
    permission = RELEASE
    form_class = HandOverForm
    is_dangerous = True
    explanation = gettext_lazy(
        "The claims go to the agency with invoices and letters; our own letters and debits for them stop at once. "
        "Back they come only by a recall. Those that are disputed, blocked, under an agreement or being paid stay."
    )

    def detailed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("issuer", "customer", "document__open_item").order_by("pk")

    def get_form_kwargs(self) -> dict[str, Any]:
        issuers = {row.issuer_id for row in self.rows}
        return {**super().get_form_kwargs(), "user": self.request.user, "issuers": issuers}

    def obstacle(self, row: Any) -> str:
        if row.state != State.READY_FOR_COLLECTION:
            return _("The case is “%(state)s”, not ready for collection.") % {
                "state": row.get_state_display()
            }
        return ""

    def _url(self, row: Any) -> str:
        return reverse("billing-dunning:inspect", args=[row.pk])

    def note(self, row: Any) -> str:
        return money_text(row.open_amount)

    def perform_all(self, rows: Sequence[Any], form: forms.Form) -> BulkResult:
        agency = form.cleaned_data["agency"]
        by_key = {row.pk: row for row in rows}
        try:
            result = hand_over(
                case_ids=list(by_key),
                agency_id=agency.pk,
                today=clock.today(agency.issuer),
                user=self.request.user,
            )
        except BillingError as error:
            return BulkResult([], [BulkProblem(row, str(error)) for row in rows])
        problems = [BulkProblem(by_key[p.subject_id], p.reason) for p in result.problems]
        made = result.hand_over
        gone = set(made.claims.values_list("case", flat=True)) if made else set()
        stayed = gone | {problem.row.pk for problem in problems}
        others = [row for row in rows if row.pk not in stayed]
        elsewhere = _("It belongs to another issuer than the agency works for.")
        problems += [BulkProblem(row, elsewhere) for row in others]
        return BulkResult([row for row in rows if row.pk in gone], problems)

    def success_message(self, count: int) -> str:
        return ngettext(
            "%(count)s claim is handed over; its file is being made.",
            "%(count)s claims are handed over; their file is being made.",
            count,
        ) % {"count": count}


class ReadyFilterSet(BillingFilterSet):
    class Meta:
        model = Case
        fields = ["level"]


# Pages of a case: they are where ``CaseViewSet`` says.
_ELSEWHERE = ("inspect", "history", "history_results")


class ReadyIndexView(BillingIndexView):
    page_title = gettext_lazy("Ready for collection")

    def rows(self) -> QuerySet[Any]:
        cases: Any = super().rows()
        ready: QuerySet[Any] = cases.standing().filter(state=State.READY_FOR_COLLECTION)
        return ready.select_related("issuer", "customer", "document__open_item")

    def what_next(self) -> WhatNext:
        return WhatNext(_("Cases come here after the last letter's date to pay by."))

    def get_inspect_url(self, instance: Any) -> str:
        return reverse("billing-dunning:inspect", args=[instance.pk])


class ReadyViewSet(ReadOnlyViewSet):
    """A second list of cases; their page is that of the first."""

    model = Case
    name = "billing-collection-ready"
    icon = "arrow-right"
    menu_label = gettext_lazy("Ready for collection")
    menu_order = 565
    inspect_view_enabled = False
    bulk_actions = (HandOverAction,)
    list_display = [
        LinkColumn(
            "document",
            label=pgettext_lazy("billing", "Document"),
            accessor=lambda case: case.document.number,
            classname="billing-number",
            get_url=lambda case: reverse("billing-dunning:inspect", args=[case.pk]),
        ),
        Column("customer", label=gettext_lazy("Customer"), accessor=lambda case: str(case.customer)),
        Column("issuer", label=gettext_lazy("Issuer"), accessor=lambda case: str(case.issuer)),
        Column("level", label=gettext_lazy("Level"), sort_key="level"),
        DateColumn("last_letter_on", label=gettext_lazy("Last letter"), sort_key="last_letter_on"),
        MoneyColumn("open_amount", label=gettext_lazy("Open"), sort_key="document__open_item__open_minor"),
    ]
    ordering = "-id"
    search_fields = ["document__number", "customer__number", "customer__company", "customer__last_name"]
    filterset_class = ReadyFilterSet
    index_view_class = ReadyIndexView

    def get_urlpatterns(self) -> list[Any]:
        return [p for p in super().get_urlpatterns() if p.name not in _ELSEWHERE]

    def register_admin_url_finder(self) -> None:
        """The page of a case is where ``CaseViewSet`` says."""
