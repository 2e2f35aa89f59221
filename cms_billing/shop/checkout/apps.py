"""Oscar's checkout, replaced: list ``cms_billing.shop.checkout`` where Oscar lists its own checkout app."""

from oscar.apps.checkout import apps as oscar_checkout


class CheckoutConfig(oscar_checkout.CheckoutConfig):
    name = "cms_billing.shop.checkout"
