from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail import hooks

from .viewsets import VIEWSETS, movements_of_document, stray_payments_to_do


@hooks.register("register_admin_viewset")
def register_viewsets() -> list:
    return [viewset() for viewset in VIEWSETS]


hooks.register("billing_document_sections", movements_of_document)
hooks.register("billing_todo_sections", stray_payments_to_do)


@hooks.register("register_log_actions")
def log_actions(actions: Any) -> None:
    actions.register_action(
        "cms_billing.session_complete", _("Complete a stray payment"), _("Stray payment completed")
    )
    actions.register_action(
        "cms_billing.session_pay_back", _("Pay a stray payment back"), _("Stray payment paid back")
    )
