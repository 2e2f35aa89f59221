from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SandboxMailsConfig(AppConfig):
    name = "sandbox.mails"
    label = "sandbox_mails"
    verbose_name = _("Sent mail")
    default_auto_field = "django.db.models.BigAutoField"
