from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SandboxSiteConfig(AppConfig):
    name = "sandbox.site"
    label = "sandbox_site"
    verbose_name = _("Website")
    default_auto_field = "django.db.models.BigAutoField"
