from django.templatetags.static import static
from django.utils.html import format_html
from wagtail import hooks

from .ui.menu import billing_menu_item

hooks.register("register_admin_menu_item", billing_menu_item)


@hooks.register("insert_global_admin_css")
def admin_css() -> str:
    return format_html('<link rel="stylesheet" href="{}">', static("cms_billing/core/admin.css"))
