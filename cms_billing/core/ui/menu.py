from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from wagtail.admin.menu import Menu, SubmenuMenuItem

BILLING_MENU_HOOK = "register_billing_menu_item"

billing_menu = Menu(register_hook_name=BILLING_MENU_HOOK, construct_hook_name="construct_billing_menu")


def billing_menu_item() -> SubmenuMenuItem:
    """Shown to whoever may see at least one of its items."""
    return SubmenuMenuItem(_("Billing"), billing_menu, name="billing", icon_name="clipboard-list", order=350)
