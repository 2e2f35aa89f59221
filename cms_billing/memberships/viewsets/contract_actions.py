"""Making and terminating contracts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.generic.edit import FormView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import (
    ActionView,
    date_text,
    rows_visible_to,
)
from cms_billing.core.forms import MoneyField
from cms_billing.faktura.models import Customer

from .. import rules
from ..models import Contract, Plan
from ..selectors import terms_of
from ..services import sign_contract, terminate_contract


class TerminateForm(forms.Form):
    last_day = forms.DateField(
        label=gettext_lazy("Last day"),
        widget=AdminDateInput,
        help_text=gettext_lazy("Access ends after it, and no period that starts later is billed."),
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200, required=False)


class TerminateView(ActionView):
    model = Contract
    permission = "cms_billing_memberships.terminate_contract"
    page_title = gettext_lazy("Terminate")
    action_label = gettext_lazy("Terminate the contract")
    is_dangerous = True
    form_class = TerminateForm
    explanation = gettext_lazy("The contract runs until its last day. What has been billed stays owed.")

    def obstacle(self) -> str:
        if Contract.State.TERMINATED in Contract.TRANSITIONS[Contract.State(self.object.state)]:
            return ""
        return _("Contract %(contract)s is “%(state)s” and cannot be terminated.") % {
            "contract": self.object,
            "state": self.object.get_state_display(),
        }

    def get_initial(self) -> dict[str, Any]:
        today = clock.today(self.object.issuer)
        return {"last_day": rules.last_day_if_terminated(terms_of(self.object), today=today) or today}

    def perform(self, form: forms.Form) -> str:
        contract = terminate_contract(
            contract_id=self.object.pk,
            last_day=form.cleaned_data["last_day"],
            reason=form.cleaned_data["reason"],
            today=clock.today(self.object.issuer),
            user=self.request.user,
        )
        return _("%(contract)s ends after %(day)s.") % {"contract": contract, "day": date_text(contract.end)}


class FindCustomerForm(forms.Form):
    customer = forms.CharField(
        label=gettext_lazy("Customer"),
        help_text=gettext_lazy("Number, e-mail address or name."),
        max_length=200,
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_customer(self) -> Customer:
        text = self.cleaned_data["customer"].strip()
        names = Q()
        for word in text.split():
            names &= Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(company__icontains=word)
        visible = rows_visible_to(Customer, self.user)
        exact = visible.filter(Q(number__iexact=text) | Q(email__iexact=text))
        found = list((exact if exact.exists() else visible.filter(names))[:6])
        if not found:
            raise forms.ValidationError(_("There is no such customer. Add the customer first."))
        if len(found) > 1:
            raise forms.ValidationError(
                _("Several customers match: %(names)s. Write the number."),
                params={"names": ", ".join(str(customer) for customer in found[:5])},
            )
        return found[0]


class NewContractView(WagtailAdminTemplateMixin, FormView):
    """Whose contract? Leads to the form on that customer."""

    template_name = "cms_billing/core/admin/action.html"
    page_title = gettext_lazy("New contract")
    form_class = FindCustomerForm
    action_label = pgettext_lazy("verb", "Next")

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm("cms_billing_memberships.add_contract"):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        contracts = {"url": reverse("billing-contract:index"), "label": _("Contracts")}
        return [*self.breadcrumbs_items, contracts, {"url": "", "label": self.page_title}]

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.request.user}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "back_url": reverse("billing-contract:index")}

    def form_valid(self, form: forms.Form) -> HttpResponse:
        return redirect("billing-contract:sign", form.cleaned_data["customer"].pk)


class SignForm(forms.Form):
    plan = forms.ModelChoiceField(label=gettext_lazy("Plan"), queryset=Plan.objects.none())
    start = forms.DateField(label=pgettext_lazy("of a contract", "Start"), widget=AdminDateInput)
    price = MoneyField(
        label=gettext_lazy("Agreed price"),
        required=False,
        help_text=gettext_lazy("Including tax. Empty: the plan's price on the first day."),
    )
    next_due = forms.DateField(
        label=gettext_lazy("First period to bill"),
        required=False,
        widget=AdminDateInput,
        help_text=gettext_lazy(
            "Empty: the start. A later day for a contract that was billed elsewhere before."
        ),
    )
    end = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        widget=AdminDateInput,
        help_text=gettext_lazy("Empty: until it is terminated."),
    )
    origin = forms.CharField(label=pgettext_lazy("of a contract", "Origin"), max_length=64, required=False)

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        issuer = customer.issuer
        plan: Any = self.fields["plan"]
        price: Any = self.fields["price"]
        plan.queryset = Plan.objects.filter(issuer=issuer, is_active=True)
        price.currency = issuer.currency
        price.label = _("Agreed price in %(currency)s") % {"currency": issuer.currency}


class SignView(ActionView):
    model = Customer
    permission = "cms_billing_memberships.add_contract"
    page_title = gettext_lazy("New contract")
    action_label = gettext_lazy("Make the contract")
    form_class = SignForm
    explanation = gettext_lazy("What is due is booked and billed by the next daily run.")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "customer": self.object}

    def get_initial(self) -> dict[str, Any]:
        return {"start": clock.today(self.object.issuer)}

    def perform(self, form: forms.Form) -> str:
        data = form.cleaned_data
        self.contract = sign_contract(
            customer=self.object,
            plan=data["plan"],
            start=data["start"],
            price=data["price"],
            next_due=data["next_due"],
            end=data["end"],
            origin=data["origin"],
            today=clock.today(self.object.issuer),
            user=self.request.user,
        )
        return _("Contract %(contract)s is made.") % {"contract": self.contract}
