from django.templatetags.static import static
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from . import copies, views
from .models import Installation
from .ui.menu import billing_menu_item
from .ui.viewsets import permissions_for

hooks.register("register_admin_menu_item", billing_menu_item)


@hooks.register("insert_global_admin_css")
def admin_css() -> str:
    return format_html('<link rel="stylesheet" href="{}">', static("cms_billing/core/admin.css"))


@hooks.register("insert_global_admin_js")
def banner_on_a_copy() -> str:
    """The hook knows no request, so the page fetches the banner, which is only for those who have signed in."""
    if not copies.is_copy():
        return ""
    return format_html(
        '<script src="{}" data-billing-copy-banner="{}" defer></script>',
        static("cms_billing/core/copy_banner.js"),
        reverse("billing_copy_banner"),
    )


@hooks.register("register_admin_urls")
def admin_urls() -> list:
    return [
        path("billing/installation/", views.InstallationView.as_view(), name="billing_installation"),
        path("billing/installation/banner/", views.copy_banner, name="billing_copy_banner"),
    ]


class InstallationMenuItem(MenuItem):
    def is_shown(self, request) -> bool:
        return request.user.has_perm(views.MAY_CONFIRM)


@hooks.register("register_settings_menu_item")
def installation_menu_item() -> MenuItem:
    return InstallationMenuItem(
        _("Installation"), reverse("billing_installation"), name="billing-installation", icon_name="site"
    )


@hooks.register("register_permissions")
def permission_to_confirm():
    return permissions_for(Installation).filter(codename="confirm_installation")


@hooks.register("register_log_actions")
def register_actions(actions) -> None:
    actions.register_action(
        "cms_billing.confirm_installation",
        _("Confirm the installation"),
        _("Confirmed that this is the original"),
    )
