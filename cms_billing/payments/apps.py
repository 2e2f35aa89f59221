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

        from . import checks, models  # noqa: F401  (checks register themselves)
        from .links import payment_url
        from .notes import collection_notes
        from .selectors import promised_back
        from .services import carry_out_payment, carry_out_refund, process_webhook
        from .verification import NAME, refund_findings

        outbox.register(models.Payment, carry_out_payment)
        outbox.register(models.Refund, carry_out_refund)
        outbox.register(models.WebhookEvent, process_webhook)
        register_payment_link(payment_url)
        register_payment_notes(collection_notes)
        register_reserved_credit(promised_back)
        register_findings(NAME, refund_findings)
