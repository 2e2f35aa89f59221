"""A form with a second button that shows what would happen, and what such forms of an account share."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from cms_billing.core.admin import (
    ActionView,
    Section,
)

from ..models import Customer


class PreviewedActionView(ActionView):
    """A form with a second button that shows what would happen and changes nothing."""

    template_name = "cms_billing/faktura/admin/previewed_action.html"

    def preview(self, form: Any) -> Section | None:
        """Of a form that may be unbound, bound or invalid."""
        raise NotImplementedError

    def form_valid(self, form: Any) -> HttpResponse:
        if "preview" in self.request.POST:
            return self.render_to_response(self.get_context_data(form=form))
        return super().form_valid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {**context, "preview": self.preview(context["form"])}


def currencies_of(customer: Customer) -> list[str]:
    """The issuer's first."""
    used = set(customer.ledger_entries.order_by().values_list("currency", flat=True).distinct())
    return sorted(used, key=lambda code: (code != customer.issuer.currency, code))
