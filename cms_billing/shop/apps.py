from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ShopConfig(AppConfig):
    name = "cms_billing.shop"
    label = "cms_billing_shop"
    verbose_name = _("Billing of the shop")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cms_billing.core import freezing, outbox
        from cms_billing.core.private_files import register_private_files
        from cms_billing.faktura.goods import register_stock_notes
        from cms_billing.faktura.verification import register_findings
        from cms_billing.memberships import offers
        from cms_billing.payments.completion import register_completion
        from cms_billing.payments.models import PaymentSession

        from . import checks, models, receivers  # noqa: F401  (checks register themselves)
        from .completion import CompleteOrder
        from .downloads import private_files
        from .selectors import offer_addresses, stock_notes
        from .verification import stock_findings
        from .work import carry_out_billing, send_confirmation

        register_completion(PaymentSession.Purpose.CHECKOUT, CompleteOrder())
        freezing.freeze(models.StockMovement)
        register_stock_notes(stock_notes)
        register_findings("goods of corrections are accounted for", stock_findings)
        outbox.register_in_the_house(models.OrderBilling, carry_out_billing)
        outbox.register(models.OrderConfirmation, send_confirmation)
        offers.register_offer_url(offer_addresses)
        register_private_files(private_files)
        receivers.connect()
