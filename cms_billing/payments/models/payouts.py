"""What providers paid out to the issuers' banks, and where that and our books differ."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cms_billing.core import clock
from cms_billing.core.models import OutsideWork
from cms_billing.core.money import Money, money_of
from cms_billing.core.texts import amount_text
from cms_billing.faktura.models import Customer, Issuer

from .accounts import ProviderAccount
from .payments import Payment
from .refunds import Refund


class _OfIssuer(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Any:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class PayoutQuerySet(_OfIssuer):
    pass


class Payout(models.Model):
    """Money a provider sent to the issuer's bank (Auszahlung), as the provider tells it.

    ``gross``, ``fee`` and ``net`` are the sums of its lines in its currency: net = gross + fee, a fee is negative.
    Where the provider tells everything, net is the amount that arrived.
    """

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="payouts"
    )
    account = models.ForeignKey(
        ProviderAccount,
        verbose_name=_("account at the provider"),
        on_delete=models.PROTECT,
        related_name="payouts",
    )
    reference = models.CharField(_("provider's reference"), max_length=120)
    amount_minor = models.BigIntegerField(_("amount (minor units)"))
    currency = models.CharField(_("currency"), max_length=3)
    paid_on = models.DateField(_("paid out on"), null=True, blank=True)
    is_paid = models.BooleanField(_("has left the provider"), default=False)
    gross_minor = models.BigIntegerField(default=0)
    fee_minor = models.BigIntegerField(default=0)
    net_minor = models.BigIntegerField(default=0)
    line_count = models.PositiveIntegerField(_("movements"), default=0)
    # SHA-256 of the lines as they were told: unchanged ones are not written again.
    digest = models.CharField(max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(_("first seen"), default=clock.now, editable=False)
    changed_at = models.DateTimeField(_("last changed"), default=clock.now, editable=False)

    amount = money_of("amount_minor")
    gross = money_of("gross_minor")
    fee = money_of("fee_minor")
    net = money_of("net_minor")

    objects = PayoutQuerySet.as_manager()

    class Meta:
        verbose_name = _("payout")
        verbose_name_plural = _("payouts")
        ordering = ["-paid_on", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["account", "reference"], name="a_payout_is_known_once"),
            models.CheckConstraint(
                condition=Q(net_minor=models.F("gross_minor") + models.F("fee_minor")),
                name="payout_net_is_gross_and_fee",
            ),
        ]
        indexes = [models.Index(fields=["issuer", "-paid_on", "-id"], name="payout_by_issuer")]

    def __str__(self) -> str:
        return f"{self.reference} {amount_text(self.amount)}"


class PayoutLine(models.Model):
    """One movement of a payout, and the payment or refund of ours it is. Amounts are signed from our side."""

    class Kind(models.TextChoices):
        PAYMENT = "payment", _("payment")
        REFUND = "refund", _("refund")
        CHARGEBACK = "chargeback", _("chargeback")
        FEE = "fee", _("fee")
        OTHER = "other", _("other")

    payout = models.ForeignKey(Payout, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    reference = models.CharField(_("provider's reference"), max_length=120, blank=True)
    payment_reference = models.CharField(_("reference of the payment"), max_length=120, blank=True)
    refund_reference = models.CharField(
        pgettext_lazy("payout", "reference of the refund"), max_length=120, blank=True
    )
    gross_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)
    net_minor = models.BigIntegerField()
    currency = models.CharField(_("currency"), max_length=3)
    booked_on = models.DateField(_("booked on"), null=True, blank=True)
    description = models.CharField(_("description"), max_length=200, blank=True)
    payment = models.ForeignKey(
        Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="payout_lines"
    )
    refund = models.ForeignKey(
        Refund, null=True, blank=True, on_delete=models.PROTECT, related_name="payout_lines"
    )

    gross = money_of("gross_minor")
    fee = money_of("fee_minor")
    net = money_of("net_minor")

    class Meta:
        verbose_name = _("movement of a payout")
        verbose_name_plural = _("movements of payouts")
        ordering = ["payout", "position"]
        constraints = [
            models.UniqueConstraint(fields=["payout", "position"], name="a_payout_line_has_its_place")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.reference}"


class ProviderDifferenceQuerySet(_OfIssuer):
    def open(self) -> Any:
        return self.filter(settled_at=None)


class ProviderDifference(models.Model):
    """Where a provider's books and ours differ (Differenz), until somebody says how it was settled.

    ``subject`` names what it is about within the account: found again, it is the same difference. One that nobody has
    settled is deleted once the books agree.
    """

    class Kind(models.TextChoices):
        UNKNOWN_PAYMENT = "unknown_payment", _("payment we do not know")
        UNKNOWN_REFUND = "unknown_refund", _("refund we do not know")
        OTHER_AMOUNT = "other_amount", _("other amount than ours")
        PAID_TWICE = "paid_twice", _("paid out twice")
        SUM_DIFFERS = "sum_differs", _("movements do not add up to the payout")
        NOT_PAID_OUT = "not_paid_out", _("received by us, in no payout")
        NOT_THERE = "not_there", _("the provider does not know it")

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="provider_differences"
    )
    account = models.ForeignKey(
        ProviderAccount,
        verbose_name=_("account at the provider"),
        on_delete=models.PROTECT,
        related_name="differences",
    )
    kind = models.CharField(_("what"), max_length=16, choices=Kind.choices)
    subject = models.CharField(max_length=250)
    reference = models.CharField(_("provider's reference"), max_length=120, blank=True)
    payout = models.ForeignKey(
        Payout,
        verbose_name=_("payout"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="differences",
    )
    payment = models.ForeignKey(
        Payment,
        verbose_name=_("payment"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="provider_differences",
    )
    refund = models.ForeignKey(
        Refund, null=True, blank=True, on_delete=models.PROTECT, related_name="provider_differences"
    )
    # What the provider says and what we say, where they are amounts.
    theirs_minor = models.BigIntegerField(null=True, blank=True)
    ours_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    found_at = models.DateTimeField(_("found"), default=clock.now)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    note = models.TextField(_("note"), blank=True)

    objects = ProviderDifferenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        ordering = ["-id"]
        permissions = [("settle_providerdifference", _("Can mark differences with providers as settled"))]
        constraints = [
            models.UniqueConstraint(fields=["account", "kind", "subject"], name="a_difference_is_found_once")
        ]
        indexes = [
            models.Index(fields=["issuer", "id"], condition=Q(settled_at=None), name="difference_open")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.reference or self.payment or self.payout}"

    @property
    def theirs(self) -> Money | None:
        return None if self.theirs_minor is None else Money(self.theirs_minor, self.currency)

    @property
    def ours(self) -> Money | None:
        return None if self.ours_minor is None else Money(self.ours_minor, self.currency)


class Comparison(OutsideWork):
    """Somebody asks a provider for everything about a customer, or about a day of an account, to compare (Abgleich)."""

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="comparisons"
    )
    account = models.ForeignKey(
        ProviderAccount,
        verbose_name=_("account at the provider"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="comparisons",
    )
    customer = models.ForeignKey(
        Customer,
        verbose_name=_("customer"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="comparisons",
    )
    day = models.DateField(_("day"), null=True, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(_("started"), default=clock.now, editable=False)
    # How far it is: told while the work goes on.
    asked = models.PositiveIntegerField(_("asked about"), default=0, editable=False)
    changed = models.PositiveIntegerField(_("changed"), default=0, editable=False)
    differing = models.PositiveIntegerField(_("differences"), default=0, editable=False)
    problems = models.JSONField(_("problems"), default=list, editable=False)

    objects = _OfIssuer.as_manager()

    class Meta(OutsideWork.Meta):
        verbose_name = _("comparison with the provider")
        verbose_name_plural = _("comparisons with providers")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(customer__isnull=False, day=None) | Q(account__isnull=False, day__isnull=False),
                name="a_comparison_is_of_a_customer_or_a_day",
            )
        ]

    def __str__(self) -> str:
        return f"{self.customer or self.account} {self.day or ''}".strip()
