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

        from . import checks, models  # noqa: F401  (checks register themselves)
        from .links import payment_url
        from .notes import collection_notes
        from .services import carry_out_payment, process_webhook

        outbox.register(models.Payment, carry_out_payment)
        outbox.register(models.WebhookEvent, process_webhook)
        register_payment_link(payment_url)
        register_payment_notes(collection_notes)
