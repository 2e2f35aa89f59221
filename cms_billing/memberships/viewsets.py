"""Plans and contracts in Wagtail's admin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Min, Q, QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views.generic.edit import FormView
from wagtail.admin.filters import DateRangePickerWidget
from wagtail.admin.forms.models import WagtailAdminModelForm
from wagtail.admin.panels import (
    FieldPanel,
    FieldRowPanel,
    HelpPanel,
    InlinePanel,
    MultiFieldPanel,
    ObjectList,
)
from wagtail.admin.ui.tables import Column
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets import AdminDateInput
from wagtail.admin.widgets.button import HeaderButton

from cms_billing.core import clock
from cms_billing.core.admin import (
    Action,
    ActionView,
    BillingFilterSet,
    BillingModelViewSet,
    DateColumn,
    Fact,
    InspectView,
    LinkColumn,
    MoneyColumn,
    ReadOnlyViewSet,
    Section,
    StateColumn,
    TableSection,
    VisibleChoiceFilter,
    date_text,
    rows_visible_to,
)
from cms_billing.core.forms import MoneyField
from cms_billing.core.ui.viewsets import BillingIndexView
from cms_billing.faktura.models import Booking, Customer, Document

from . import rules
from .models import Contract, Plan, PlanPrice
from .schedule import Interval
from .selectors import terms_of
from .services import sign_contract, terminate_contract
from .views_import import ImportView, UploadView


class PlanPriceForm(WagtailAdminModelForm):
    amount = MoneyField(
        label=gettext_lazy("Price"), help_text=gettext_lazy("Of one period, or of all instalments.")
    )

    class Meta:
        model = PlanPrice
        fields = ["valid_from", "currency", "includes_tax"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        amount = self.fields["amount"]
        if self.instance.pk:
            self.initial["amount"] = self.instance.amount
            amount.currency = self.instance.currency
        if self.is_bound:
            amount.currency = (self.data.get(self.add_prefix("currency")) or "EUR").strip().upper()

    def clean_currency(self) -> str:
        return self.cleaned_data["currency"].strip().upper()

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("amount") is not None:
            self.instance.amount_minor = data["amount"].minor
        return data


class PricesPanel(InlinePanel):
    """Prices as people write them, not in minor units."""

    def get_form_options(self) -> dict[str, Any]:
        options = super().get_form_options()
        options["formsets"][self.relation_name]["form"] = PlanPriceForm
        return options


class PlanForm(WagtailAdminModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.fields["issuer"].disabled = True

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("interval") == Interval.INSTALMENTS and (data.get("instalments") or 0) < 2:
            self.add_error("instalments", _("Instalments are two or more."))
        return data


class PlanIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer").prefetch_related("prices")


def current_price(plan: Plan) -> Any:
    """The price in force today from prefetched prices; None where there is none yet."""
    today = clock.today(plan.issuer)
    known = [price for price in plan.prices.all() if price.valid_from <= today]
    return max(known, key=lambda price: price.valid_from).amount if known else None


class PlanInspectView(InspectView):
    extension = "billing_plan"

    def facts(self) -> Iterable[Fact]:
        plan = self.object
        yield Fact(_("Name"), plan.name)
        yield Fact(_("Code"), plan.code)
        yield Fact(_("Kind"), plan.get_kind_display())
        yield Fact(_("Interval"), interval_text(plan))
        yield Fact(_("Tax"), plan.get_tax_code_display())
        yield Fact(_("State"), _("on sale") if plan.is_active else _("not on sale"))
        yield Fact(_("Issuer"), plan.issuer)
        running = plan.contracts.filter(state__in=Contract.BILLABLE).count()
        yield Fact(
            _("Running contracts"), str(running), url=f"{reverse('billing-contract:index')}?plan={plan.pk}"
        )

    def own_sections(self) -> Iterable[Section]:
        columns = [
            DateColumn("valid_from", label=_("Valid from")),
            Column(
                "tax",
                label=_("Tax"),
                accessor=lambda price: _("included") if price.includes_tax else _("on top"),
            ),
            MoneyColumn("amount", label=_("Price")),
        ]
        yield TableSection(
            _("Prices"),
            columns,
            self.object.prices.all(),
            empty=_("No price yet: the plan cannot be sold."),
            note=_("A contract keeps the price it was made at."),
        )


def interval_text(row: Any) -> str:
    text = row.get_interval_display()
    return f"{text} ({row.instalments})" if row.interval == Interval.INSTALMENTS else text


class PlanFilterSet(BillingFilterSet):
    class Meta:
        model = Plan
        fields = ["kind", "interval", "is_active"]


class PlanViewSet(BillingModelViewSet):
    model = Plan
    icon = "tag"
    menu_order = 600
    list_display = [
        "name",
        Column("code", label=gettext_lazy("Code"), sort_key="code"),
        Column("kind", label=gettext_lazy("Kind"), accessor="get_kind_display"),
        Column("interval", label=gettext_lazy("Interval"), accessor=interval_text),
        StateColumn(
            "is_active",
            label=gettext_lazy("State"),
            accessor=lambda plan: _("on sale") if plan.is_active else _("not on sale"),
            good=lambda plan: plan.is_active,
        ),
        MoneyColumn("price", label=gettext_lazy("Price today"), accessor=current_price),
    ]
    ordering = "name"
    search_fields = ["name", "code"]
    filterset_class = PlanFilterSet
    index_view_class = PlanIndexView
    inspect_view_class = PlanInspectView
    delete_instead = gettext_lazy(
        "Take it off sale instead (untick “on sale”): nobody can buy it any more, and running contracts go on."
    )
    edit_handler = ObjectList(
        [
            MultiFieldPanel(
                [FieldPanel("issuer"), FieldPanel("name"), FieldPanel("code"), FieldPanel("is_active")],
                heading=gettext_lazy("Plan"),
            ),
            MultiFieldPanel(
                [
                    FieldPanel("kind"),
                    FieldRowPanel([FieldPanel("interval"), FieldPanel("instalments")]),
                    FieldPanel("tax_code"),
                ],
                heading=gettext_lazy("What is billed when"),
                help_text=gettext_lazy("Changes are for new contracts; running ones keep what was agreed."),
            ),
            HelpPanel(
                gettext_lazy(
                    "For a new price add a row with its first day and leave the old ones: contracts keep the price "
                    "they were made at."
                )
            ),
            PricesPanel(
                "prices",
                panels=[
                    FieldRowPanel([FieldPanel("amount"), FieldPanel("currency")]),
                    FieldRowPanel(
                        [FieldPanel("valid_from", widget=AdminDateInput), FieldPanel("includes_tax")]
                    ),
                ],
                label=gettext_lazy("price"),
                heading=gettext_lazy("Prices"),
                min_num=1,
            ),
        ],
        base_form_class=PlanForm,
    )


# -- contracts ---------------------------------------------------------------------------------------------------------


class ContractFilterSet(BillingFilterSet):
    state = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("State"), choices=Contract.State.choices, widget=forms.CheckboxSelectMultiple
    )
    plan = VisibleChoiceFilter(label=gettext_lazy("Plan"), model=Plan)
    next_due = django_filters.DateFromToRangeFilter(
        label=gettext_lazy("Next due"), field_name="next_due", widget=DateRangePickerWidget
    )
    start = django_filters.DateFromToRangeFilter(label=gettext_lazy("Start"), widget=DateRangePickerWidget)
    customer = django_filters.CharFilter(
        label=gettext_lazy("Customer number"), field_name="customer__number", lookup_expr="iexact"
    )

    class Meta:
        model = Contract
        fields = ["state", "plan"]


class ContractIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        rows = super().rows().select_related("customer", "plan", "issuer")
        return rows.annotate(next_due=Min("lines__next_due"))

    @property
    def header_buttons(self) -> list[Any]:
        user = self.request.user
        buttons = []
        if user.has_perm("cms_billing_memberships.add_contract"):
            buttons.append(
                HeaderButton(_("New contract"), url=reverse("billing-contract:new"), icon_name="plus")
            )
        if user.has_perm("cms_billing_memberships.import_contracts"):
            buttons.append(
                HeaderButton(_("Import"), url=reverse("billing-contract:import"), icon_name="upload")
            )
        return buttons


def customer_url(row: Any) -> str:
    return reverse("billing-customer:inspect", args=[row.customer_id])


def contract_url(row: Contract) -> str:
    return reverse("billing-contract:inspect", args=[row.pk])


class ContractInspectView(InspectView):
    extension = "billing_contract"
    actions = [
        Action(
            gettext_lazy("Terminate"),
            "billing-contract:terminate",
            "cross",
            "cms_billing_memberships.terminate_contract",
            when=lambda contract: contract.state in (Contract.State.ACTIVE, Contract.State.PENDING),
        )
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer", "plan", "issuer")

    def facts(self) -> Iterable[Fact]:
        contract = self.object
        running = contract.state in Contract.BILLABLE
        yield Fact(pgettext("billing", "Number"), contract.number)
        yield Fact(_("State"), contract.get_state_display(), tone="good" if running else "")
        yield Fact(_("Customer"), contract.customer, url=customer_url(contract))
        yield Fact(_("Plan"), contract.plan, url=reverse("billing-plan:inspect", args=[contract.plan_id]))
        yield Fact(_("Start"), date_text(contract.start))
        yield Fact(_("Last day"), date_text(contract.end))
        yield Fact(_("Issuer"), contract.issuer)
        yield Fact(_("Origin"), contract.origin)

    def own_sections(self) -> Iterable[Section]:
        yield self._lines()
        yield self._bookings()
        yield self._documents()
        yield self._changes()

    def _lines(self) -> Section:
        return TableSection(
            _("What is billed"),
            [
                Column("description", label=_("Description")),
                Column("interval", label=_("Interval"), accessor=interval_text),
                DateColumn("next_due", label=_("Next due")),
                MoneyColumn("price", label=_("Price")),
            ],
            self.object.lines.all(),
        )

    def _bookings(self) -> Section:
        contract = self.object
        bookings = Booking.objects.filter(issuer=contract.issuer, contract_reference=contract.number)
        return TableSection(
            _("Bookings"),
            [
                Column("description", label=_("Description")),
                Column(
                    "period",
                    label=_("Service period"),
                    accessor=lambda b: f"{date_text(b.period_start)} – {date_text(b.period_end)}",
                ),
                DateColumn("due_on", label=_("Due on")),
                StateColumn(
                    "state",
                    label=_("State"),
                    accessor="get_state_display",
                    good=lambda booking: booking.state == Booking.State.BILLED,
                ),
                MoneyColumn("unit_price", label=_("Price")),
            ],
            bookings.order_by("-period_start", "-id")[:LATEST],
            note=_("The latest %(n)s, newest first.") % {"n": LATEST},
        )

    def _documents(self) -> Section:
        contract = self.object
        documents = Document.objects.filter(
            issuer=contract.issuer, lines__contract_reference=contract.number
        ).distinct()
        return TableSection(
            pgettext("billing", "Documents"),
            [
                LinkColumn(
                    "number",
                    label=pgettext("billing", "Document"),
                    accessor=str,
                    get_url=lambda row: reverse("billing-document:inspect", args=[row.pk]),
                ),
                DateColumn("issued_on", label=_("Date")),
                MoneyColumn("gross", label=_("Total")),
            ],
            documents[:LATEST],
        )

    def _changes(self) -> Section:
        return TableSection(
            _("History"),
            [
                DateColumn("at", label=_("When")),
                DateColumn("effective_on", label=_("Effective on")),
                Column("to_state", label=_("State"), accessor="get_to_state_display"),
                Column("reason", label=_("Reason")),
                Column("user", label=_("By"), accessor=lambda change: str(change.user or "")),
            ],
            self.object.changes.select_related("user"),
        )


LATEST = 24


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
    start = forms.DateField(label=gettext_lazy("Start"), widget=AdminDateInput)
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
    origin = forms.CharField(label=gettext_lazy("Origin"), max_length=64, required=False)

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


class ContractViewSet(ReadOnlyViewSet):
    model = Contract
    icon = "form"
    menu_order = 250
    list_display = [
        "number",
        LinkColumn(
            "customer",
            label=gettext_lazy("Customer"),
            accessor=lambda row: str(row.customer),
            get_url=customer_url,
        ),
        Column("plan", label=gettext_lazy("Plan"), sort_key="plan__name"),
        StateColumn(
            "state",
            label=gettext_lazy("State"),
            accessor="get_state_display",
            good=lambda contract: contract.state == Contract.State.ACTIVE,
            sort_key="state",
        ),
        DateColumn("start", label=gettext_lazy("Start"), sort_key="start"),
        DateColumn("end", label=gettext_lazy("Last day"), sort_key="end"),
        DateColumn("next_due", label=gettext_lazy("Next due"), sort_key="next_due"),
    ]
    ordering = "-id"
    search_fields = [
        "number",
        "customer__number",
        "customer__company",
        "customer__last_name",
        "customer__email",
        "origin",
    ]
    filterset_class = ContractFilterSet
    index_view_class = ContractIndexView
    inspect_view_class = ContractInspectView

    def get_urlpatterns(self) -> list[Any]:
        customer = {
            "index_url_name": "billing-customer:index",
            "inspect_url_name": "billing-customer:inspect",
        }
        sign = SignView.as_view(**customer)
        contracts = {"index_url_name": "billing-contract:index"}
        return [
            *super().get_urlpatterns(),
            path("new/", NewContractView.as_view(), name="new"),
            path("import/", UploadView.as_view(), name="import"),
            path("import/<int:pk>/", ImportView.as_view(**contracts), name="import_file"),
            path("sign/<int:pk>/", sign, name="sign"),
            path("terminate/<int:pk>/", self.construct_view(TerminateView), name="terminate"),
        ]


def customer_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("New contract"),
            "billing-contract:sign",
            "form",
            "cms_billing_memberships.add_contract",
        )
    ]


def contracts_of_customer(request: Any, customer: Customer) -> Iterable[Section]:
    if request.user.has_perm("cms_billing_memberships.view_contract"):
        contracts = customer.contracts.select_related("plan").annotate(next_due=Min("lines__next_due"))
        yield TableSection(
            _("Contracts"),
            [
                LinkColumn("number", label=_("Contract"), accessor="number", get_url=contract_url),
                Column("plan", label=_("Plan")),
                StateColumn(
                    "state",
                    label=_("State"),
                    accessor="get_state_display",
                    good=lambda contract: contract.state == Contract.State.ACTIVE,
                ),
                DateColumn("start", label=_("Start")),
                DateColumn("end", label=_("Last day")),
                DateColumn("next_due", label=_("Next due")),
            ],
            contracts,
        )
