"""An order that is being paid on a provider's page, and what Oscar knows of the payments of an order."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.payments.models import Allocation, Payment, PaymentSession, Refund


class CheckoutAttemptQuerySet(models.QuerySet["CheckoutAttempt"]):
    def unfinished(self) -> CheckoutAttemptQuerySet:
        """Neither ordered nor given back to the buyer: their baskets are frozen."""
        return self.filter(order=None, released_at=None)


class CheckoutAttempt(models.Model):
    """What a buyer ordered with the button, kept while they pay on a provider's page (Bestellversuch).

    Enough to place the order without a browser, days later: addresses, shipping, prices, consents, as they were shown.
    The basket is frozen meanwhile.
    """

    session = models.OneToOneField(
        PaymentSession, on_delete=models.PROTECT, related_name="checkout_attempt", verbose_name=_("payment")
    )
    basket_id = models.BigIntegerField(_("basket"), db_index=True)
    order = models.OneToOneField(
        "order.Order",
        verbose_name=_("order"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="checkout_attempt",
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    guest_email = models.EmailField(_("e-mail"), blank=True)
    site = models.ForeignKey("sites.Site", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    language = models.CharField(_("language"), max_length=8, blank=True)
    provider = models.CharField(_("chosen way to pay"), max_length=90)
    shipping_address = models.JSONField(default=dict, blank=True)
    billing_address = models.JSONField(default=dict, blank=True)
    # {"code", "name", "excl_tax", "incl_tax", "tax_code"}; amounts as text
    shipping = models.JSONField(default=dict)
    # One a basket line: {"line", "product", "title", "quantity", "excl_tax", "incl_tax", "tax_code", "total"}
    lines = models.JSONField(default=list)
    surcharges = models.JSONField(default=list, blank=True)
    # Further columns of the order that the site's checkout sets.
    order_fields = models.JSONField(default=dict, blank=True)
    total_excl_tax = models.DecimalField(max_digits=12, decimal_places=2)
    total_incl_tax = models.DecimalField(max_digits=12, decimal_places=2)
    quote = models.CharField(max_length=64)
    consents = models.JSONField(_("consents"), default=list, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    # When the basket was given back to the buyer, and when they first came back to a placed order.
    released_at = models.DateTimeField(null=True, blank=True, editable=False)
    returned_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CheckoutAttemptQuerySet.as_manager()

    class Meta:
        verbose_name = _("checkout attempt")
        verbose_name_plural = _("checkout attempts")
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["user"],
                condition=Q(order__isnull=True, released_at__isnull=True),
                name="attempt_unfinished",
            )
        ]

    def __str__(self) -> str:
        return str(_("basket %(number)s") % {"number": self.basket_id})


class OrderPayment(models.Model):
    """Which payment source of Oscar's order shows which payment of ours; one an order and payment."""

    order = models.ForeignKey("order.Order", on_delete=models.CASCADE, related_name="billing_payments")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="shown_on_orders")
    source = models.OneToOneField("payment.Source", on_delete=models.CASCADE, related_name="billing_payment")

    class Meta:
        verbose_name = _("payment of an order")
        verbose_name_plural = _("payments of orders")
        constraints = [
            models.UniqueConstraint(fields=["order", "payment"], name="an_order_shows_a_payment_once")
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.payment_id}"


class OrderMovement(models.Model):
    """Which transaction of Oscar's shows which movement of ours: an allocation or a refund, each once.

    With neither it shows that the payment was asked for: money under way, or refused.
    """

    shown = models.ForeignKey(OrderPayment, on_delete=models.CASCADE, related_name="movements")
    allocation = models.OneToOneField(
        Allocation, null=True, blank=True, on_delete=models.PROTECT, related_name="shown_on_order"
    )
    refund = models.ForeignKey(
        Refund, null=True, blank=True, on_delete=models.PROTECT, related_name="shown_on_orders"
    )
    transaction = models.OneToOneField(
        "payment.Transaction", on_delete=models.CASCADE, related_name="billing_movement"
    )

    event = models.OneToOneField(
        "order.PaymentEvent",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="billing_movement",
    )

    class Meta:
        verbose_name = _("movement of an order's payment")
        verbose_name_plural = _("movements of orders' payments")
        constraints = [
            models.UniqueConstraint(fields=["shown", "refund"], name="an_order_shows_a_refund_once"),
            models.UniqueConstraint(
                fields=["shown"],
                condition=Q(allocation=None, refund=None),
                name="an_order_shows_a_payment_asked_for_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shown}: {self.allocation_id or self.refund_id}"
