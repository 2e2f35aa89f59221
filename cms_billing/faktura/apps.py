from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FakturaConfig(AppConfig):
    name = "cms_billing.faktura"
    label = "cms_billing_faktura"
    verbose_name = _("Invoicing")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cms_billing.core import outbox

        from . import checks, models  # noqa: F401  (checks register themselves)
        from .frozen import freeze_tables
        from .search import make_tables_searchable
        from .services import render_document, render_print_file, send_delivery, work_on_invoice_run

        freeze_tables()
        make_tables_searchable()
        outbox.register_in_the_house(models.Rendering, render_document)
        outbox.register(models.Delivery, send_delivery)
        outbox.register_in_the_house(models.PrintFile, render_print_file)
        outbox.register_in_the_house(models.InvoiceRun, work_on_invoice_run)
