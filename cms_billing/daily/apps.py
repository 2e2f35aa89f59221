from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DailyConfig(AppConfig):
    name = "cms_billing.daily"
    label = "cms_billing_daily"
    verbose_name = _("Daily run")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cms_billing.dunning.collection import details

        from . import checks  # noqa: F401  (checks register themselves)
        from .contract_days import contract_days

        details.register(contract_days)
