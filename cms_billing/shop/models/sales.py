"""What ties Oscar's shop to billing: which product sells which plan, who invoices, and what became of an order."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from wagtail.admin.panels import FieldPanel, PageChooserPanel
from wagtail.contrib.settings.models import BaseSiteSetting, register_setting

from cms_billing.core import clock
from cms_billing.core.models import FrozenModel, FrozenQuerySet, OutsideWork
from cms_billing.faktura.models import DocumentLine, Issuer, TaxRate
from cms_billing.memberships.models import Contract, Plan

from .. import restocking


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
    provider = models.CharField(_("chosen way to pay"), max_length=90, blank=True)
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


class StockMovementQuerySet(FrozenQuerySet):
    def visible_to(self, user: Any) -> StockMovementQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


def _loose_key(to: str, label: Any) -> Any:
    """A key without a constraint: the row is history and stays as it is when the shop deletes what it points at."""
    return models.ForeignKey(
        to,
        verbose_name=label,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )


class StockMovement(FrozenModel):
    """What a correction did to the stock (Lagerbewegung): so many units of an order line, with one fate. Append-only.

    A line of a correction has one row a fate, numbered by ``part``: a line that is seen again meets the constraint.
    The ``_change`` columns are those of the stock record, the ``_after`` columns what they came to; None: not touched.
    """

    class Kind(models.TextChoices):
        RETURNED = restocking.RETURNED, _("returned to stock")
        RELEASED = restocking.RELEASED, _("reservation released")
        DAMAGED = restocking.DAMAGED, _("came back damaged")
        WRITTEN_OFF = restocking.WRITTEN_OFF, _("damaged before it was shipped")
        UNTRACKED = restocking.UNTRACKED, _("not kept in stock")
        NOT_REBOOKED = restocking.NOT_REBOOKED, _("not rebooked")

    class Reason(models.TextChoices):
        RECORD_IS_GONE = restocking.RECORD_IS_GONE, _("The product or its stock record has been deleted.")
        ALLOCATION_CANCELLED = (
            restocking.ALLOCATION_CANCELLED,
            _("The shop had already given up the reservation itself."),
        )
        ALREADY_BACK = restocking.ALREADY_BACK, _("All units of the order line had been taken back already.")
        PART_OF_A_UNIT = restocking.PART_OF_A_UNIT, _("Less than a whole unit was credited.")

    issuer = models.ForeignKey(
        Issuer,
        verbose_name=_("issuer"),
        on_delete=models.PROTECT,
        related_name="stock_movements",
        db_index=False,
    )
    correction_line = models.ForeignKey(
        DocumentLine, on_delete=models.PROTECT, related_name="stock_movements", db_index=False
    )
    part = models.PositiveSmallIntegerField(default=1)
    order_line = models.ForeignKey(
        "order.Line",
        verbose_name=_("order line"),
        null=True,
        on_delete=models.PROTECT,
        related_name="stock_movements",
    )
    product = _loose_key("catalogue.Product", _("product"))
    stock_record = _loose_key("partner.StockRecord", _("stock record"))
    title = models.CharField(_("product"), max_length=255)
    sku = models.CharField(pgettext_lazy("article", "SKU"), max_length=128, blank=True)
    partner_name = models.CharField(_("partner"), max_length=255, blank=True)
    kind = models.CharField(_("what happened"), max_length=12, choices=Kind.choices)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices, blank=True)
    quantity = models.PositiveIntegerField(pgettext_lazy("goods", "quantity"))
    stock_change = models.IntegerField(_("change of stock"), default=0)
    reserved_change = models.IntegerField(_("change of reserved"), default=0)
    stock_after = models.IntegerField(_("in stock afterwards"), null=True)
    reserved_after = models.IntegerField(_("reserved afterwards"), null=True)
    day = models.DateField(_("date"))
    recorded_at = models.DateTimeField(_("recorded at"), default=clock.now, editable=False)
    recorded_by = models.CharField(_("recorded by"), max_length=150, blank=True)

    objects = StockMovementQuerySet.as_manager()

    class Meta:
        verbose_name = _("stock movement")
        verbose_name_plural = _("stock movements")
        ordering = ["-day", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["correction_line", "part"], name="a_corrected_line_moves_stock_once"
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="stock_moves_whole_units"),
            models.CheckConstraint(
                condition=~Q(kind=restocking.NOT_REBOOKED) | ~Q(reason=""), name="not_rebooked_says_why"
            ),
        ]
        indexes = [models.Index(fields=["issuer", "-day", "-id"], name="stock_movement_by_date")]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.title}: {self.get_kind_display()}"


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
