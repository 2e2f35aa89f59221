"""What ties Oscar's shop to billing: which product sells which plan, who invoices, and what became of an order."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, PageChooserPanel
from wagtail.contrib.settings.models import BaseSiteSetting, register_setting

from cms_billing.core import clock
from cms_billing.core.models import OutsideWork
from cms_billing.faktura.models import Issuer, TaxRate
from cms_billing.memberships.models import Contract, Plan


class PlanProductQuerySet(models.QuerySet["PlanProduct"]):
    def visible_to(self, user: Any) -> PlanProductQuerySet:
        return self.filter(plan__issuer__in=Issuer.objects.visible_to(user))


class PlanProduct(models.Model):
    """A product of the shop that sells a plan: buying it signs a contract. Its price is the plan's."""

    product = models.OneToOneField(
        "catalogue.Product", verbose_name=_("product"), on_delete=models.CASCADE, related_name="plan_product"
    )
    plan = models.ForeignKey(Plan, verbose_name=_("plan"), on_delete=models.PROTECT, related_name="products")

    objects = PlanProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("product that sells a plan")
        verbose_name_plural = _("products that sell plans")
        ordering = ["plan", "pk"]

    def __str__(self) -> str:
        return f"{self.product} → {self.plan}"


class PartnerIssuerQuerySet(models.QuerySet["PartnerIssuer"]):
    def visible_to(self, user: Any) -> PartnerIssuerQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class PartnerIssuer(models.Model):
    """Who invoices what an Oscar partner sells. Not needed where the site has one issuer."""

    partner = models.OneToOneField(
        "partner.Partner", verbose_name=_("partner"), on_delete=models.CASCADE, related_name="billing_issuer"
    )
    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="partners"
    )

    objects = PartnerIssuerQuerySet.as_manager()

    class Meta:
        verbose_name = _("issuer of a partner")
        verbose_name_plural = _("issuers of partners")
        ordering = ["partner"]

    def __str__(self) -> str:
        return f"{self.partner} → {self.issuer}"


class ProductClassTax(models.Model):
    """The tax code of a product class; without a row it is the standard rate. Plans bring their own."""

    product_class = models.OneToOneField(
        "catalogue.ProductClass",
        verbose_name=_("product class"),
        on_delete=models.CASCADE,
        related_name="billing_tax",
    )
    tax_code = models.CharField(
        _("tax code"), max_length=12, choices=TaxRate.Code.choices, default=TaxRate.Code.STANDARD
    )

    class Meta:
        verbose_name = _("tax code of a product class")
        verbose_name_plural = _("tax codes of product classes")
        ordering = ["product_class"]

    def __str__(self) -> str:
        return f"{self.product_class}: {self.get_tax_code_display()}"


class OrderBillingQuerySet(models.QuerySet["OrderBilling"]):
    def visible_to(self, user: Any) -> OrderBillingQuerySet:
        issuers = Issuer.objects.visible_to(user)
        if user.is_active and user.is_superuser:
            return self
        return self.filter(
            Q(order__lines__product__plan_product__plan__issuer__in=issuers)
            | Q(order__lines__partner__billing_issuer__issuer__in=issuers)
        ).distinct()


class OrderBilling(OutsideWork):
    """The billing of one placed order: contracts, bookings, invoice. Written in the transaction of the order itself.

    ``basket_id`` is the key of the sale: a basket is ordered once, however often the button was pressed.
    """

    order = models.OneToOneField(
        "order.Order", verbose_name=_("order"), on_delete=models.PROTECT, related_name="billing"
    )
    basket_id = models.BigIntegerField(_("basket"), null=True, unique=True)
    placed_at = models.DateTimeField(_("placed at"), default=clock.now)
    language = models.CharField(_("language"), max_length=8, blank=True)
    provider = models.CharField(_("chosen way to pay"), max_length=40, blank=True)
    consents = models.JSONField(
        _("consents"), default=list, blank=True, help_text=_("The texts the buyer ticked, as shown.")
    )
    problem = models.TextField(
        _("problem"), blank=True, help_text=_("Why there is no invoice although the order is booked.")
    )

    objects = OrderBillingQuerySet.as_manager()

    class Meta(OutsideWork.Meta):
        verbose_name = _("billing of an order")
        verbose_name_plural = _("billing of orders")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return str(_("order %(number)s") % {"number": self.order.number})


class OrderContract(models.Model):
    """The contract that an order line signed; one row a contract."""

    line = models.ForeignKey("order.Line", on_delete=models.PROTECT, related_name="billing_contracts")
    contract = models.OneToOneField(Contract, on_delete=models.PROTECT, related_name="order_contract")

    class Meta:
        verbose_name = _("contract of an order")
        verbose_name_plural = _("contracts of orders")

    def __str__(self) -> str:
        return f"{self.line_id} → {self.contract}"


class OrderConfirmation(OutsideWork):
    """Oscar's confirmation mail of an order: sent after commit, tried again when the mail server is down."""

    order = models.OneToOneField(
        "order.Order", verbose_name=_("order"), on_delete=models.PROTECT, related_name="confirmation"
    )

    class Meta(OutsideWork.Meta):
        verbose_name = _("order confirmation")
        verbose_name_plural = _("order confirmations")

    def __str__(self) -> str:
        return str(_("confirmation of order %(number)s") % {"number": self.order.number})


@register_setting(icon="tag")
class CheckoutSettings(BaseSiteSetting):
    """The legal pages that the last step of the checkout links to."""

    terms_page = models.ForeignKey(
        "wagtailcore.Page",
        verbose_name=_("terms and conditions"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    privacy_page = models.ForeignKey(
        "wagtailcore.Page",
        verbose_name=_("privacy policy"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    withdrawal_page = models.ForeignKey(
        "wagtailcore.Page",
        verbose_name=_("right of withdrawal"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    ask_to_start_at_once = models.BooleanField(
        _("ask buyers of courses to agree that access starts at once"),
        default=True,
        help_text=_("Digital content: the right of withdrawal ends with this consent (§ 356 (5) BGB)."),
    )

    panels = [
        PageChooserPanel("terms_page"),
        PageChooserPanel("privacy_page"),
        PageChooserPanel("withdrawal_page"),
        FieldPanel("ask_to_start_at_once"),
    ]

    class Meta:
        verbose_name = _("checkout")
