from django.utils.translation import gettext_lazy as _
from wagtail import hooks


@hooks.register("register_log_actions")
def register_actions(actions) -> None:
    actions.register_action("cms_billing.cancel", _("Cancel"), _("Cancelled"))
