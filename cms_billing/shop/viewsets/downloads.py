"""Billing › Downloads of products."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, HelpPanel, ObjectList
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import BillingFilterSet, BillingModelViewSet
from cms_billing.core.ui.viewsets import BillingIndexView

from ..models import ProductDownload


class ProductDownloadFilterSet(BillingFilterSet):
    issuer_path = None

    class Meta:
        model = ProductDownload
        fields = ["opens", "plans"]


class ProductDownloadIndexView(BillingIndexView):
    def rows(self) -> Any:
        return super().rows().select_related("product")


class ProductDownloadViewSet(BillingModelViewSet):
    model = ProductDownload
    icon = "download"
    menu_label = _("Downloads")
    menu_order = 615
    inspect_view_enabled = False
    list_display = [
        "__str__",
        Column("product", label=_("Product"), accessor="product", sort_key="product__title"),
        Column("opens", label=_("Buyers get it"), accessor="get_opens_display"),
    ]
    search_fields = ["title", "product__title"]
    index_view_class = ProductDownloadIndexView
    filterset_class = ProductDownloadFilterSet
    edit_handler = ObjectList(
        [
            HelpPanel(
                _(
                    "Buyers find the file in their account under “Downloads”, as long as the order is neither "
                    "cancelled nor credited. It has no public address."
                )
            ),
            FieldPanel("product"),
            FieldPanel("title"),
            # The bundled widget would ask for the file's address, and it has none.
            FieldPanel("file", widget=forms.FileInput),
            FieldPanel("opens"),
            FieldPanel("plans", widget=forms.CheckboxSelectMultiple),
            FieldPanel("position"),
        ]
    )
