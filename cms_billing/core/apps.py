from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "cms_billing.core"
    label = "cms_billing_core"
    verbose_name = _("Billing core")
    default_auto_field = "django.db.models.BigAutoField"

    def import_models(self) -> None:
        """A missing app would else show as “Model class … doesn't declare an explicit app_label”."""
        from . import requirements

        installed = {config.name for config in self.apps.get_app_configs()} if self.apps else set()
        if missing := list(requirements.missing_layers(installed)):
            raise ImproperlyConfigured(
                f"(cms_billing.E010) In INSTALLED_APPS {requirements.sentence(missing)}. "
                "The installation page has the whole list."
            )
        super().import_models()

    def ready(self) -> None:
        from . import checks, checks_site, freezing, roles, text_search  # noqa: F401  (checks register themselves)

        # Tables of every app exist when the last post_migrate handler runs, whatever way the schema was built.
        post_migrate.connect(freezing.install_after_migrate, dispatch_uid="cms_billing.core.freezing")
        # Once, when all tables are there.
        post_migrate.connect(
            text_search.install_after_migrate, sender=self, dispatch_uid="cms_billing.core.text_search"
        )
        # Once, when all tables are there: the groups have permissions of every app.
        post_migrate.connect(
            roles.create_groups_after_migrate, sender=self, dispatch_uid="cms_billing.core.roles"
        )
