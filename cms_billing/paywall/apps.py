from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaywallConfig(AppConfig):
    name = "cms_billing.paywall"
    label = "cms_billing_paywall"
    verbose_name = _("Paywall")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cms_billing.core import outbox
        from cms_billing.memberships.access import register_decider

        from . import api_v3, checks, checks_files, purge_receivers, receivers, side_panel  # noqa: F401
        from .files import moving
        from .files import receivers as file_receivers
        from .leakcheck.runs import work_on_leak_check
        from .models import CachePurge, FileMove, FileRemoval, LeakCheckRun
        from .plan_access import access_by_plans
        from .purges import purge

        register_decider(access_by_plans)
        receivers.connect()
        file_receivers.connect()
        purge_receivers.connect()
        outbox.register_in_the_house(FileMove, moving.move_file)
        outbox.register_in_the_house(FileRemoval, moving.remove_file)
        outbox.register(CachePurge, purge)
        outbox.register_in_the_house(LeakCheckRun, work_on_leak_check)
        side_panel.add_to_wagtail()
        api_v3.install()
