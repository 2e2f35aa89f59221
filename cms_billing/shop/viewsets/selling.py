"""Products that sell plans, who invoices what, and tax codes."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, HelpPanel, ObjectList
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import BillingFilterSet, BillingModelViewSet
from cms_billing.core.ui.viewsets import BillingIndexView

from ..models import PartnerIssuer, PlanProduct, ProductClassTax


class PlanProductFilterSet(BillingFilterSet):
    issuer_path = "plan__issuer"

    class Meta:
        model = PlanProduct
        fields = ["plan"]


class PlanProductIndexView(BillingIndexView):
    def rows(self) -> Any:
        return super().rows().select_related("product", "plan")


class PlanProductViewSet(BillingModelViewSet):
    model = PlanProduct
    icon = "tag"
    menu_order = 610
    inspect_view_enabled = False
    list_display = [
        "__str__",
        Column("product", label=_("Product"), accessor="product", sort_key="product__title"),
        Column("plan", label=_("Plan"), accessor="plan", sort_key="plan__name"),
    ]
    search_fields = ["product__title", "plan__name"]
    index_view_class = PlanProductIndexView
    filterset_class = PlanProductFilterSet
    edit_handler = ObjectList(
        [
            HelpPanel(
                _(
                    "Buying the product signs a contract for the plan. Its price in the shop is the plan's, whatever "
                    "the product's own price says. The product's class keeps no stock and needs no shipping."
                )
            ),
            FieldPanel("product"),
            FieldPanel("plan"),
        ]
    )


class PartnerIssuerFilterSet(BillingFilterSet):
    class Meta:
        model = PartnerIssuer
        fields = ["partner"]


class PartnerIssuerViewSet(BillingModelViewSet):
    model = PartnerIssuer
    icon = "group"
    menu_order = 740
    inspect_view_enabled = False
    list_display = [
        "__str__",
        Column("issuer", label=_("Issuer"), accessor="issuer", sort_key="issuer__name"),
    ]
    search_fields = ["partner__name", "issuer__name"]
    filterset_class = PartnerIssuerFilterSet
    edit_handler = ObjectList(
        [
            HelpPanel(_("Who invoices the goods of a partner. Not needed where the site has one issuer.")),
            FieldPanel("partner"),
            FieldPanel("issuer"),
        ]
    )


class ProductClassTaxFilterSet(BillingFilterSet):
    issuer_path = None

    class Meta:
        model = ProductClassTax
        fields = ["tax_code"]


class ProductClassTaxViewSet(BillingModelViewSet):
    model = ProductClassTax
    scoped = False
    icon = "table"
    menu_order = 735
    inspect_view_enabled = False
    list_display = [
        "__str__",
        Column("tax_code", label=_("Tax code"), accessor="get_tax_code_display"),
    ]
    search_fields = ["product_class__name"]
    filterset_class = ProductClassTaxFilterSet
    edit_handler = ObjectList(
        [
            HelpPanel(
                _("Books are “reduced” in Germany. A class without an entry is taxed at the standard rate.")
            ),
            FieldPanel("product_class"),
            FieldPanel("tax_code"),
        ]
    )
