from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TestingConfig(AppConfig):
    """Only for test and demo sites: brings the fake hosted page and the time machine's commands."""

    name = "cms_billing.testing"
    label = "cms_billing_testing"
    verbose_name = _("Billing test tools")

    def ready(self) -> None:
        from . import checks  # noqa: F401  (checks register themselves)
