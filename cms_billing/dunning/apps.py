from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DunningConfig(AppConfig):
    name = "cms_billing.dunning"
    label = "cms_billing_dunning"
    verbose_name = _("Dunning")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cms_billing.faktura import signals
        from cms_billing.faktura.delivery_vetoes import register_veto
        from cms_billing.faktura.models import DocumentKind

        from . import hindrances, receivers, sources

        signals.document_settled.connect(
            receivers.close_when_settled, dispatch_uid="cms_billing.dunning.settled"
        )
        signals.document_cancelled.connect(
            receivers.close_when_cancelled, dispatch_uid="cms_billing.dunning.cancelled"
        )
        signals.document_reopened.connect(
            receivers.go_on_when_reopened, dispatch_uid="cms_billing.dunning.reopened"
        )
        register_veto(DocumentKind.DUNNING_LETTER, receivers.reason_to_withdraw)
        for source in (sources.holds, sources.payments_under_way):
            hindrances.register(source)
