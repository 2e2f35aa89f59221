"""Cells with a button that posts."""

from typing import Any

from django.middleware.csrf import get_token
from wagtail import hooks
from wagtail.admin.ui.tables import Column

# Functions ``(row, user)`` of the apps whose work fails: a label and an address where it is put right, or None.
REMEDY_HOOK = "billing_failed_work_remedy"


class _PostColumn(Column):
    def get_cell_context_data(self, instance: Any, parent_context: Any) -> dict[str, Any]:
        context = super().get_cell_context_data(instance, parent_context)
        request = context["request"]
        return {**context, "csrf_token": get_token(request), "back": request.resolver_match.url_name}


class RetryColumn(_PostColumn):
    """A button that asks for another attempt of a failed piece of work."""

    cell_template_name = "cms_billing/daily/admin/retry_cell.html"


class RemedyColumn(Column):
    """What a person can do about a failed piece of work other than trying it again unchanged."""

    cell_template_name = "cms_billing/daily/admin/remedy_cell.html"

    def __init__(self, name: str, *, user: Any, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.user = user

    def get_value(self, instance: Any) -> list[tuple[Any, str]]:
        found = (remedy(instance.row, self.user) for remedy in hooks.get_hooks(REMEDY_HOOK))
        return [remedy for remedy in found if remedy]


class PostedColumn(_PostColumn):
    """A button that ticks a document off as sent by post."""

    cell_template_name = "cms_billing/daily/admin/posted_cell.html"
