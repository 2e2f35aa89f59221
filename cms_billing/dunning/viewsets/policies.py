"""On the page of an issuer: who approves blocks, what members are offered, what goes to the agency by itself."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cms_billing.core.admin import Action, ActionView
from cms_billing.core.forms import MoneyField
from cms_billing.core.money import Money
from cms_billing.faktura.models import Issuer

from ..models import DunningPolicy
from ..services import policy_of, set_policy

CHANGE = "cms_billing_dunning.change_dunningpolicy"
PLAIN = [
    "four_eyes",
    "release_collection",
    "promise_days",
    "deferral_days",
    "instalments_max",
    "grace_days",
]
AMOUNTS = ("instalment_min", "instalments_up_to")


class PolicyForm(forms.ModelForm):
    instalment_min = MoneyField(label=gettext_lazy("Smallest instalment"), minimum=0)
    instalments_up_to = MoneyField(label=gettext_lazy("Instalments are offered up to"), minimum=0)

    field_order = [
        "four_eyes",
        "release_collection",
        "promise_days",
        "deferral_days",
        "instalments_max",
        "instalment_min",
        "instalments_up_to",
        "grace_days",
    ]

    class Meta:
        model = DunningPolicy
        fields = PLAIN

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in AMOUNTS:
            field: Any = self.fields[name]
            field.currency = self.instance.currency
            self.initial[name] = Money(getattr(self.instance, f"{name}_minor"), self.instance.currency)

    def values(self) -> dict[str, Any]:
        amounts = {f"{name}_minor": self.cleaned_data[name].minor for name in AMOUNTS}
        return {**{name: self.cleaned_data[name] for name in PLAIN}, **amounts}


class PolicyView(ActionView):
    model = Issuer
    permission = CHANGE
    page_title = gettext_lazy("Dunning policy")
    action_label = gettext_lazy("Save")
    form_class: Any = PolicyForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "instance": policy_of(self.object)}

    def perform(self, form: Any) -> str:
        set_policy(issuer=self.object, values=form.values(), user=self.request.user)
        return _("The dunning policy of %(issuer)s is saved.") % {"issuer": self.object}


def issuer_actions() -> list[Action]:
    return [Action(gettext_lazy("Dunning policy"), "billing_dunning_policy", "warning", CHANGE, priority=30)]


def admin_urls() -> list[Any]:
    back = {"index_url_name": "billing-issuer:index", "inspect_url_name": "billing-issuer:inspect"}
    view = PolicyView.as_view(**back)
    return [path("billing/dunning-policy/<int:pk>/", view, name="billing_dunning_policy")]
