"""Cases in the Billing menu: the list, a page each, and what a person may decide."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import (
    DateColumn,
    LinkColumn,
    MoneyColumn,
    ReadOnlyViewSet,
    Section,
    TableSection,
)

from ..models import Case
from . import actions, by_hand
from .case_bulk import BULK_ACTIONS
from .case_filters import CaseFilterSet
from .case_list import LIST_COLUMNS, SEARCH_FIELDS, CaseIndexView, access_text, case_url, state_column
from .case_page import CaseInspectView
from .preview import PreviewView


class CaseViewSet(ReadOnlyViewSet):
    model = Case
    name = "billing-dunning"
    icon = "list-ul"
    menu_label = gettext_lazy("Dunning cases")
    menu_order = 551
    list_display = LIST_COLUMNS
    ordering = "-id"
    search_fields = SEARCH_FIELDS
    filterset_class = CaseFilterSet
    index_view_class = CaseIndexView
    inspect_view_class = CaseInspectView
    bulk_actions = BULK_ACTIONS

    def get_urlpatterns(self) -> list[Any]:
        # This form stands on the page of a document and leads from there to the case.
        document = {
            "index_url_name": "billing-document:index",
            "inspect_url_name": "billing-document:inspect",
        }
        return [
            *super().get_urlpatterns(),
            path("preview/", self.construct_view(PreviewView), name="preview"),
            path("start/<int:pk>/", by_hand.StartView.as_view(**document), name="start"),
            path("move/<int:pk>/", self.construct_view(by_hand.MoveView), name="move"),
            path("note/<int:pk>/", self.construct_view(by_hand.NoteView), name="note"),
            path("charge-back/<int:pk>/", self.construct_view(by_hand.ChargeBackView), name="charge_back"),
            path("next/<int:pk>/", self.construct_view(actions.NextStepView), name="next"),
            path("stop/<int:pk>/", self.construct_view(actions.StopView), name="stop"),
            path("resume/<int:pk>/", self.construct_view(actions.ResumeView), name="resume"),
            path("waive-fee/<int:pk>/", self.construct_view(actions.WaiveChargesView), name="waive_fee"),
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
            state_column(),
            Column("locked", label=_("Locks"), accessor=access_text),
            DateColumn("last_letter_on", label=_("Last letter")),
            MoneyColumn("open_amount", label=_("Open")),
        ],
        cases.select_related("document__open_item"),
        **kwargs,
    )
