from django.utils.translation import gettext_lazy as _
from wagtail import hooks

from . import gate


@hooks.register("on_serve_page", order=1000)
def guard(serve):
    """Innermost: Wagtail's own restrictions answer first, so that a private page has no teaser for strangers."""

    def guarded(page, request, args, kwargs):
        decision = gate.access(request, page)
        if not decision.granted:
            return gate.refuse(request, page, decision)
        response = serve(page, request, args, kwargs)
        gate.stamp(response, decision)
        return response

    return guarded


@hooks.register("register_log_actions")
def register_actions(actions) -> None:
    actions.register_action("cms_billing.set_paywall", _("Set paywall rule"), _("Paywall rule set"))
    actions.register_action("cms_billing.remove_paywall", _("Remove paywall rule"), _("Paywall rule removed"))
