from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FakturaConfig(AppConfig):
    name = "cms_billing.faktura"
    label = "cms_billing_faktura"
    verbose_name = _("Invoicing")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from .frozen import freeze_tables

        freeze_tables()
