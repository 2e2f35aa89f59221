"""Cells with a button that posts."""

from typing import Any

from django.middleware.csrf import get_token
from wagtail.admin.ui.tables import Column


class _PostColumn(Column):
    def get_cell_context_data(self, instance: Any, parent_context: Any) -> dict[str, Any]:
        context = super().get_cell_context_data(instance, parent_context)
        request = context["request"]
        return {**context, "csrf_token": get_token(request), "back": request.resolver_match.url_name}


class RetryColumn(_PostColumn):
    """A button that asks for another attempt of a failed piece of work."""

    cell_template_name = "cms_billing/daily/admin/retry_cell.html"


class PostedColumn(_PostColumn):
    """A button that ticks a document off as sent by post."""

    cell_template_name = "cms_billing/daily/admin/posted_cell.html"
