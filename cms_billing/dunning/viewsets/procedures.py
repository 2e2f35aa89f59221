"""Procedures with their levels and texts on one page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.panels import FieldPanel, FieldRowPanel, InlinePanel, MultiFieldPanel, ObjectList
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import Action, ActionView, BillingFilterSet, LinkColumn, StateColumn
from cms_billing.core.ui.preview import PreviewedViewSet
from cms_billing.core.ui.viewsets import BillingIndexView
from cms_billing.faktura.models import Issuer

from ..models import HIGHEST_LEVEL, Procedure
from ..services import create_default_procedure
from .procedure_forms import DoubtsPanel, LevelsPanel, ProcedureForm, number_input
from .procedure_preview import (
    ProcedureCreateView,
    ProcedureEditView,
    ProcedurePreview,
    TestLetterPanel,
    TestLetterView,
)
from .versions import ProcedureVersionsView


class ProcedureFilterSet(BillingFilterSet):
    class Meta:
        model = Procedure
        fields = ["customer_kind", "is_active"]


class ProcedureIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer").prefetch_related("levels")


def _levels_text(procedure: Procedure) -> str:
    levels = sorted(procedure.levels.all(), key=lambda level: level.number)
    return " · ".join(
        _("%(number)s after %(days)s days") % {"number": level.number, "days": level.days_after}
        for level in levels
    )


class CreateDefaultView(ActionView):
    """Stands on the page of an issuer without a procedure, and leads to the new one."""

    model = Issuer
    permission = "cms_billing_dunning.add_procedure"
    page_title = gettext_lazy("Set up reminders")
    action_label = gettext_lazy("Set up")
    explanation = gettext_lazy(
        "Makes the two procedures that ship with the package, for consumers and for businesses: three letters with "
        "texts in six languages, no fees, the third locks what is unpaid. Businesses are also asked for default "
        "interest and 40 EUR from the second letter on. You can change it all afterwards."
    )
    made: Procedure | None = None

    def perform(self, form: forms.Form) -> str:
        self.made = create_default_procedure(self.object)
        return _("%(issuer)s reminds who does not pay. Look through the levels and texts.") % {
            "issuer": self.object
        }

    def back_url(self) -> str:
        if self.made is not None:
            return reverse("billing-dunning-procedure:edit", args=[self.made.pk])
        return super().back_url()


def issuer_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Set up reminders"),
            "billing-dunning-procedure:create_default",
            "warning",
            "cms_billing_dunning.add_procedure",
            when=lambda issuer: not issuer.dunning_procedures.filter(is_active=True).exists(),
        )
    ]


_TERMS = [
    FieldRowPanel([FieldPanel("interest_points"), FieldPanel("flat")]),
    FieldPanel("default_from"),
    FieldPanel("charges_left"),
]
_STARTS = [
    FieldRowPanel([FieldPanel("failure_level"), FieldPanel("chargeback_level")]),
    FieldPanel("minimum"),
]
_MANNERS = [
    FieldPanel("wait_for_statement"),
    FieldRowPanel([FieldPanel("avoid_weekends"), FieldPanel("holidays")]),
]
_LEVEL = [
    FieldRowPanel(
        [
            FieldPanel("number", widget=number_input(HIGHEST_LEVEL)),
            FieldPanel("days_after"),
            FieldPanel("days_to_pay"),
        ]
    ),
    FieldRowPanel([FieldPanel("channel"), FieldPanel("attach_invoices")]),
    FieldRowPanel([FieldPanel("fee"), FieldPanel("lock_scope")]),
    FieldRowPanel([FieldPanel("claims_interest"), FieldPanel("claims_flat")]),
    InlinePanel(
        "texts",
        heading=gettext_lazy("Texts"),
        label=gettext_lazy("Text"),
        panels=[FieldPanel("language"), FieldPanel("subject"), FieldPanel("body")],
        help_text=gettext_lazy("Without a text the one that ships with the package is used."),
    ),
]
PANELS = [
    DoubtsPanel(),
    MultiFieldPanel(
        [
            FieldRowPanel([FieldPanel("issuer"), FieldPanel("name")]),
            FieldRowPanel([FieldPanel("customer_kind"), FieldPanel("is_active")]),
        ],
        heading=gettext_lazy("Procedure"),
    ),
    MultiFieldPanel(_STARTS, heading=gettext_lazy("When a case starts")),
    MultiFieldPanel(_MANNERS, heading=gettext_lazy("When no letter goes out"), classname="collapsed"),
    MultiFieldPanel(_TERMS, heading=gettext_lazy("Interest and compensation")),
    LevelsPanel(
        "levels",
        heading=gettext_lazy("Levels"),
        label=gettext_lazy("Level"),
        min_num=1,
        max_num=HIGHEST_LEVEL,
        help_text=gettext_lazy(
            "Each level is one letter. A case goes one level up at a time and skips none. After the last "
            "letter's date to pay by, it is ready for collection."
        ),
        panels=_LEVEL,
    ),
    TestLetterPanel(),
]


class ProcedureViewSet(PreviewedViewSet):
    model = Procedure
    name = "billing-dunning-procedure"
    icon = "list-ol"
    menu_label = gettext_lazy("Dunning procedures")
    menu_order = 560
    inspect_view_enabled = False
    list_display = [
        "name",
        Column("issuer", label=gettext_lazy("Issuer")),
        Column("customer_kind", label=gettext_lazy("For"), accessor="get_customer_kind_display"),
        Column("levels", label=gettext_lazy("Letters"), accessor=_levels_text),
        LinkColumn(
            "versions",
            label=gettext_lazy("Versions"),
            accessor=lambda row: _("what changed"),
            get_url=lambda row: reverse("billing-dunning-procedure:versions", args=[row.pk]),
        ),
        StateColumn(
            "is_active",
            label=gettext_lazy("State"),
            accessor=lambda row: _("in use") if row.is_active else _("not in use"),
            good=lambda row: row.is_active,
        ),
    ]
    search_fields = ["name"]
    filterset_class = ProcedureFilterSet
    index_view_class = ProcedureIndexView
    add_view_class = ProcedureCreateView
    edit_view_class = ProcedureEditView
    edit_template_name = "cms_billing/faktura/admin/mail_text_form.html"
    preview_view_class = ProcedurePreview
    edit_handler = ObjectList([*PANELS], base_form_class=ProcedureForm)

    def get_urlpatterns(self) -> list[Any]:
        # The form stands on the page of an issuer and leads back there.
        issuer = {"index_url_name": "billing-issuer:index", "inspect_url_name": "billing-issuer:inspect"}
        create = CreateDefaultView.as_view(**issuer)
        test = self.preview_view(TestLetterView)
        return [
            *super().get_urlpatterns(),
            path("create-default/<int:pk>/", create, name="create_default"),
            path("test/", test, name="test"),
            path("test/<int:pk>/", test, name="test"),
            path("versions/<int:pk>/", self.construct_view(ProcedureVersionsView), name="versions"),
        ]
