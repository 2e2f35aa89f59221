from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaywallConfig(AppConfig):
    name = "cms_billing.paywall"
    label = "cms_billing_paywall"
    verbose_name = _("Paywall")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cms_billing.core import outbox

        from . import checks, checks_files, receivers, side_panel  # noqa: F401  (checks register themselves)
        from .files import moving
        from .files import receivers as file_receivers
        from .models import FileMove, FileRemoval

        receivers.connect()
        file_receivers.connect()
        outbox.register_in_the_house(FileMove, moving.move_file)
        outbox.register_in_the_house(FileRemoval, moving.remove_file)
        side_panel.add_to_wagtail()
