from django.utils.translation import gettext_lazy as _
from wagtail import hooks

from . import viewsets


@hooks.register("register_log_actions")
def register_actions(actions) -> None:
    actions.register_action("cms_billing.import_contracts", _("Import contracts"), _("Contracts imported"))


@hooks.register("register_admin_viewset")
def register_viewsets() -> list:
    return [viewsets.ContractViewSet(), viewsets.PlanViewSet()]


hooks.register("billing_customer_actions", viewsets.customer_actions)
# Before payments and statements: what the customer has comes first.
hooks.register("billing_customer_sections", viewsets.contracts_of_customer, order=-10)
