"""The form of a procedure: amounts as people write them, levels checked together, doubts with the law."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy
from wagtail.admin.forms.models import WagtailAdminModelForm
from wagtail.admin.panels import InlinePanel, Panel

from cms_billing.core.forms import MoneyField
from cms_billing.core.money import Money
from cms_billing.faktura.models import Issuer

from .. import rules
from ..doubts import LevelTerms, Terms, doubts
from ..models import Level, Procedure
from ..reasons import DOUBTS, WEAKNESSES


def currency_of(form: Any, procedure: Procedure | None) -> str:
    """The issuer's: the one chosen in the form, else the procedure's."""
    chosen = str(form.data.get("issuer") or "") if form.is_bound else ""
    issuers = Issuer.objects.filter(pk=chosen) if chosen.isdecimal() else Issuer.objects.none()
    if currency := issuers.values_list("currency", flat=True).first():
        return currency
    return procedure.issuer.currency if procedure is not None and procedure.issuer_id else "EUR"


class AmountsForm(WagtailAdminModelForm):
    """``amounts``: form fields whose minor units the model keeps in ``<name>_minor``."""

    amounts: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        currency = self.currency()
        for name in self.amounts:
            self.fields[name].currency = currency
            minor = getattr(self.instance, f"{name}_minor")
            self.initial[name] = Money(minor, currency) if minor else None

    def currency(self) -> str:
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        for name in self.amounts:
            if name not in self.errors:
                amount = data.get(name)
                setattr(self.instance, f"{name}_minor", amount.minor if amount else 0)
        return data


class LevelForm(AmountsForm):
    amounts = ("fee",)
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

    def currency(self) -> str:
        return currency_of(self, self.instance.procedure if self.instance.procedure_id else None)


class LevelsPanel(InlinePanel):
    """Fees as people write them, not in minor units."""

    def get_form_options(self) -> dict[str, Any]:
        options = super().get_form_options()
        options["formsets"][self.relation_name]["form"] = LevelForm
        return options


class ProcedureForm(AmountsForm):
    """The levels are checked together: each alone can be fine and the procedure still skip or threaten."""

    amounts = ("minimum", "flat")
    minimum = MoneyField(
        label=gettext_lazy("Minimum amount"),
        required=False,
        help_text=gettext_lazy("Who owes less than this in all gets no letter. Empty: everybody gets one."),
    )
    flat = MoneyField(
        label=gettext_lazy("Flat compensation"),
        required=False,
        help_text=gettext_lazy(
            "Once a claim, and only from debtors who are no consumers: 40 EUR (§ 288 (5) BGB). Empty: none."
        ),
    )

    def currency(self) -> str:
        return currency_of(self, self.instance)

    def is_valid(self) -> bool:
        if not super().is_valid():
            return False
        starts = [self.cleaned_data.get(name) for name in ("failure_level", "chargeback_level")]
        for weakness in rules.weaknesses(self._levels(), starts=starts):
            self.add_error(None, str(WEAKNESSES[weakness]))
        return not self.errors

    def _levels(self) -> list[rules.LevelFacts]:
        rows = [form.cleaned_data for form in self.formsets["levels"].forms if form.cleaned_data]
        return [
            rules.LevelFacts(row["number"], row["days_after"], row["days_to_pay"], row["lock_scope"])
            for row in rows
            if not row.get("DELETE")
        ]


def doubts_about(procedure: Procedure) -> list[str]:
    """Sentences with the law, about a procedure as it is saved or being edited."""
    levels = tuple(
        LevelTerms(row.number, row.fee_minor, row.channel, row.claims_interest, row.claims_flat)
        for row in procedure.levels.all()
    )
    terms = Terms(
        procedure.customer_kind,
        procedure.interest_points,
        procedure.default_from,
        procedure.flat_minor,
        levels,
    )
    return [str(DOUBTS[key]) for key in doubts(terms)]


class DoubtsPanel(Panel):
    """What a court might not give, above the form; nothing is refused for it."""

    class BoundPanel(Panel.BoundPanel):
        template_name = "cms_billing/dunning/admin/doubts_panel.html"

        def is_shown(self) -> bool:
            return bool(self.instance.pk and doubts_about(self.instance))

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            context = super().get_context_data(parent_context)
            return {**context, "doubts": doubts_about(self.instance)}


def number_input(highest: int) -> forms.NumberInput:
    return forms.NumberInput(attrs={"min": 1, "max": highest})
