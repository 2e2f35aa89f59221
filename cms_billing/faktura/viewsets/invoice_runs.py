"""Invoice runs."""

from __future__ import annotations

from cms_billing.core.admin import ReadOnlyViewSet

from ..models import InvoiceRun


class InvoiceRunViewSet(ReadOnlyViewSet):
    model = InvoiceRun
    icon = "clipboard-list"
    menu_order = 320
