from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from wagtail import hooks

from .models import Delivery
from .viewsets import VIEWSETS, customer_chooser, settling, write_offs
from .viewsets.deliveries import elsewhere_url


@hooks.register("register_log_actions")
def register_actions(actions) -> None:
    actions.register_action(
        "cms_billing.cancel", pgettext_lazy("billing", "Cancel"), pgettext_lazy("billing", "Cancelled")
    )
    actions.register_action("cms_billing.credit", _("Correct in part"), _("Corrected in part"))
    actions.register_action("cms_billing.finalise", _("Issue"), _("Issued"))
    actions.register_action("cms_billing.delete_draft", _("Delete a draft"), _("Draft deleted"))
    actions.register_action("cms_billing.write_off", _("Write off"), _("Written off"))
    actions.register_action("cms_billing.settle", _("Settle with credit"), _("Settled with credit"))
    actions.register_action("cms_billing.statement", _("Issue a statement"), _("Statement issued"))
    actions.register_action("cms_billing.refund", _("Pay back"), _("Paid back"))
    actions.register_action("cms_billing.start_run", _("Start a run"), _("Run started"))
    actions.register_action(
        "cms_billing.create_user_accounts", _("Create user accounts"), _("User accounts created")
    )
    actions.register_action("cms_billing.send_again", _("Send again"), _("Sent again"))
    actions.register_action("cms_billing.send_by_post", _("Send by post"), _("Sent by post"))
    actions.register_action("cms_billing.print_again", _("Print again"), _("To be printed again"))
    actions.register_action("cms_billing.make_print_file", _("Make a print file"), _("Print file made"))
    actions.register_action(
        "cms_billing.download_print_file", pgettext_lazy("action", "Download"), _("Downloaded")
    )
    actions.register_action("cms_billing.post_print_file", _("Mark as posted"), _("Posted"))


@hooks.register("register_admin_viewset")
def register_viewsets() -> list:
    return [*(viewset() for viewset in VIEWSETS), customer_chooser]


@hooks.register("billing_failed_work_remedy")
def send_mail_elsewhere(row, user):
    """On the to-do list: a refused mail goes to another address without a detour."""
    if isinstance(row, Delivery) and user.has_perm("cms_billing_faktura.send_document"):
        return _("Other address"), elsewhere_url(row)
    return None


hooks.register("register_admin_urls", settling.admin_urls)
hooks.register("billing_customer_actions", settling.customer_actions)
hooks.register("billing_document_actions", write_offs.document_actions)
