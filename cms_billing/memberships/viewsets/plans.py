"""Plans and their dated prices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
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
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import (
    BillingFilterSet,
    BillingModelViewSet,
    DateColumn,
    Fact,
    InspectView,
    MoneyColumn,
    Section,
    StateColumn,
    TableSection,
)
from cms_billing.core.forms import MoneyField
from cms_billing.core.ui.viewsets import BillingIndexView

from ..models import Contract, Plan, PlanPrice
from ..schedule import Interval


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
