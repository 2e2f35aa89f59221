from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MembershipsConfig(AppConfig):
    name = "cms_billing.memberships"
    label = "cms_billing_memberships"
    verbose_name = _("Memberships")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cms_billing.payments.upcoming import register_upcoming

        from .upcoming import next_amounts

        register_upcoming(next_amounts)
