from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "cms_billing.core"
    label = "cms_billing_core"
    verbose_name = _("Billing core")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, freezing, roles  # noqa: F401  (checks register themselves)

        # Tables of every app exist when the last post_migrate handler runs, whatever way the schema was built.
        post_migrate.connect(freezing.install_after_migrate, dispatch_uid="cms_billing.core.freezing")
        # Once, when all tables are there: the groups have permissions of every app.
        post_migrate.connect(
            roles.create_groups_after_migrate, sender=self, dispatch_uid="cms_billing.core.roles"
        )
