from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    name = "cms_billing.payments"
    label = "cms_billing_payments"
    verbose_name = _("Payments")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cms_billing.core import outbox
        from cms_billing.faktura.links import register_payment_link, register_payment_notes
        from cms_billing.faktura.reservations import register_reserved_credit
        from cms_billing.faktura.verification import register_findings

        from . import checks, checks_accounts, models  # noqa: F401  (checks register themselves)
        from .completion import register_completion
        from .links import payment_url
        from .notes import collection_notes
        from .paying import KeepMethod, PayDocuments
        from .providers.stripe import checks as stripe_checks  # noqa: F401
        from .selectors import promised_back
        from .services import (
            carry_out_comparison,
            carry_out_payment,
            carry_out_refund,
            carry_out_removal,
            carry_out_session,
            noting_problems,
            process_webhook,
            send_notice,
        )
        from .verification import NAME, refund_findings

        outbox.register(models.Payment, noting_problems(carry_out_payment))
        outbox.register(models.Refund, noting_problems(carry_out_refund))
        outbox.register(models.WebhookEvent, process_webhook)
        outbox.register(models.Comparison, noting_problems(carry_out_comparison))
        outbox.register(models.PaymentSession, noting_problems(carry_out_session))
        outbox.register(models.MethodRemoval, carry_out_removal)
        outbox.register(models.MemberNotice, send_notice)
        register_completion(models.PaymentSession.Purpose.DOCUMENTS, PayDocuments())
        register_completion(models.PaymentSession.Purpose.METHOD, KeepMethod())
        register_payment_link(payment_url)
        register_payment_notes(collection_notes)
        register_reserved_credit(promised_back)
        register_findings(NAME, refund_findings)
