from django.utils.translation import gettext_lazy as _
from wagtail import hooks


@hooks.register("register_log_actions")
def register_actions(actions) -> None:
    actions.register_action("cms_billing.record_payment", _("Record payment"), _("Payment recorded"))
    actions.register_action("cms_billing.charge_back", _("Enter chargeback"), _("Chargeback entered"))
