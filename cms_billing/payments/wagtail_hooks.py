from django.utils.translation import gettext_lazy as _
from wagtail import hooks

from . import viewsets
from .events import payment_events
from .viewsets import comparisons, methods, refunds, statements


@hooks.register("register_log_actions")
def register_actions(actions) -> None:
    actions.register_action("cms_billing.record_payment", _("Record payment"), _("Payment recorded"))
    actions.register_action("cms_billing.charge_back", _("Enter chargeback"), _("Chargeback entered"))
    actions.register_action(
        "cms_billing.never_charged", _("Enter that a charge was never made"), _("Entered as never charged")
    )
    actions.register_action(
        "cms_billing.statements", _("Bank statements looked through"), _("Bank statements looked through")
    )
    actions.register_action("cms_billing.refund_start", _("Start a refund"), _("Refund started"))
    actions.register_action("cms_billing.refund_withdraw", _("Withdraw a refund"), _("Refund withdrawn"))
    actions.register_action(
        "cms_billing.refund_returned", _("Enter a returned refund"), _("Refund came back")
    )


@hooks.register("register_admin_viewset")
def register_viewsets() -> list:
    return [
        viewsets.PaymentViewSet(),
        viewsets.RefundViewSet(),
        viewsets.ProviderAccountViewSet(),
        viewsets.WebhookViewSet(),
        viewsets.SessionViewSet(),
        viewsets.PayoutViewSet(),
        viewsets.DifferenceViewSet(),
        viewsets.ComparisonViewSet(),
        viewsets.RetryPolicyViewSet(),
        viewsets.RefusalRuleViewSet(),
    ]


# First among the actions: it is what people come for.
hooks.register("billing_customer_actions", viewsets.customer_actions, order=-10)
hooks.register("billing_document_actions", viewsets.document_actions, order=-10)
hooks.register("billing_customer_sections", viewsets.payments_of_customer)
hooks.register("billing_document_sections", viewsets.payments_of_document)
hooks.register("billing_document_events", payment_events)

hooks.register("billing_customer_actions", refunds.customer_actions, order=-5)
hooks.register("billing_document_actions", refunds.document_actions, order=-5)
hooks.register("billing_payment_actions", refunds.payment_actions)
hooks.register("billing_customer_sections", refunds.refunds_of_customer)
hooks.register("billing_document_sections", refunds.refunds_of_document)
hooks.register("billing_payment_sections", refunds.refunds_of_payment)

hooks.register("billing_payment_actions", comparisons.payment_actions)
hooks.register("billing_customer_actions", comparisons.customer_actions)
hooks.register("billing_customer_actions", methods.method_actions)
hooks.register("billing_customer_sections", methods.methods_of_customer)

hooks.register("billing_todo_sections", viewsets.accounts_to_mend)
hooks.register("register_admin_urls", statements.admin_urls)
hooks.register("billing_issuer_actions", statements.issuer_actions)
hooks.register("billing_issuer_facts", statements.facts_of_issuer)
