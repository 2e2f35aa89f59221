"""Procedures with their levels and texts on one page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms.models import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, FieldRowPanel, InlinePanel, MultiFieldPanel, ObjectList
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import Action, ActionView, BillingFilterSet, BillingModelViewSet, StateColumn
from cms_billing.core.forms import MoneyField
from cms_billing.core.money import Money
from cms_billing.core.ui.viewsets import BillingIndexView
from cms_billing.faktura.models import Issuer

from .. import rules
from ..models import HIGHEST_LEVEL, Level, Procedure
from ..reasons import WEAKNESSES
from ..services import create_default_procedure


class LevelForm(WagtailAdminModelForm):
    fee = MoneyField(
        label=gettext_lazy("Fee"),
        required=False,
        help_text=gettext_lazy(
            "Consumers may only be charged what paper and postage really cost: nothing for an e-mail, and nothing for "
            "the reminder that first puts them in default (§§ 280, 286 BGB; BGH VIII ZR 95/18)."
        ),
    )

    class Meta:
        model = Level
        fields = ["number", "days_after", "days_to_pay", "lock_scope"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        currency = self._currency()
        self.fields["fee"].currency = currency
        self.initial["fee"] = Money(self.instance.fee_minor, currency)

    def _currency(self) -> str:
        """The issuer's: the one chosen in the form, else the procedure's."""
        chosen = str(self.data.get("issuer") or "") if self.is_bound else ""
        issuers = Issuer.objects.filter(pk=chosen) if chosen.isdecimal() else Issuer.objects.none()
        if currency := issuers.values_list("currency", flat=True).first():
            return currency
        procedure = self.instance.procedure if self.instance.procedure_id else None
        return procedure.issuer.currency if procedure else "EUR"

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if "fee" not in self.errors:
            fee = data.get("fee")
            self.instance.fee_minor = fee.minor if fee else 0
        return data


class LevelsPanel(InlinePanel):
    """Fees as people write them, not in minor units."""

    def get_form_options(self) -> dict[str, Any]:
        options = super().get_form_options()
        options["formsets"][self.relation_name]["form"] = LevelForm
        return options


class ProcedureForm(WagtailAdminModelForm):
    """The levels are checked together: each alone can be fine and the procedure still skip or threaten."""

    def is_valid(self) -> bool:
        if not super().is_valid():
            return False
        for weakness in rules.weaknesses(self._levels()):
            self.add_error(None, str(WEAKNESSES[weakness]))
        return not self.errors

    def _levels(self) -> list[rules.LevelFacts]:
        rows = [form.cleaned_data for form in self.formsets["levels"].forms if form.cleaned_data]
        return [
            rules.LevelFacts(row["number"], row["days_after"], row["days_to_pay"], row["lock_scope"])
            for row in rows
            if not row.get("DELETE")
        ]


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


class ProcedureViewSet(BillingModelViewSet):
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
    edit_handler = ObjectList(
        [
            MultiFieldPanel(
                [
                    FieldRowPanel([FieldPanel("issuer"), FieldPanel("name")]),
                    FieldRowPanel([FieldPanel("customer_kind"), FieldPanel("is_active")]),
                ],
                heading=gettext_lazy("Procedure"),
            ),
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
                panels=[
                    FieldRowPanel(
                        [
                            FieldPanel(
                                "number", widget=forms.NumberInput(attrs={"min": 1, "max": HIGHEST_LEVEL})
                            ),
                            FieldPanel("days_after"),
                            FieldPanel("days_to_pay"),
                        ]
                    ),
                    FieldRowPanel([FieldPanel("fee"), FieldPanel("lock_scope")]),
                    InlinePanel(
                        "texts",
                        heading=gettext_lazy("Texts"),
                        label=gettext_lazy("Text"),
                        panels=[FieldPanel("language"), FieldPanel("subject"), FieldPanel("body")],
                        help_text=gettext_lazy("Without a text the one that ships with the package is used."),
                    ),
                ],
            ),
        ],
        base_form_class=ProcedureForm,
    )

    def get_urlpatterns(self) -> list[Any]:
        # The form stands on the page of an issuer and leads back there.
        issuer = {"index_url_name": "billing-issuer:index", "inspect_url_name": "billing-issuer:inspect"}
        create = CreateDefaultView.as_view(**issuer)
        return [*super().get_urlpatterns(), path("create-default/<int:pk>/", create, name="create_default")]
