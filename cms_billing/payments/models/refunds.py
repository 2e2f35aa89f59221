"""Money on its way back."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.core.models import OutsideWork
from cms_billing.core.money import money_of
from cms_billing.core.texts import amount_text
from cms_billing.faktura.models import Customer, Document, Issuer
from cms_billing.faktura.validators import validate_iban

from .accounts import ProviderAccount
from .payments import Payment


class RefundQuerySet(models.QuerySet["Refund"]):
    def visible_to(self, user: Any) -> RefundQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))

    def under_way(self) -> RefundQuerySet:
        """Promised and not booked yet: this much of the customer's credit is taken."""
        return self.filter(state__in=[Refund.State.CREATED, Refund.State.PENDING])

    def to_transfer(self) -> RefundQuerySet:
        """Waits for a person at the bank."""
        return self.filter(state=Refund.State.PENDING, way=Refund.Way.TRANSFER)

    def failed(self) -> RefundQuerySet:
        return self.filter(state=Refund.State.FAILED)


class Refund(OutsideWork):
    """Money on its way back to the customer (Auszahlung). Written and committed before it is sent, with a random key.

    Through the provider it is outside work; a transfer waits, pending, until a person says that it was made; cash is
    paid at once. What is paid has its REFUND entry and its receipt, written with the state in one transaction.
    """

    class State(models.TextChoices):
        CREATED = "created", _("not sent yet")
        PENDING = "pending", _("under way")
        PAID = "paid", _("paid back")
        FAILED = "failed", _("failed")
        WITHDRAWN = "withdrawn", _("withdrawn")

    class Way(models.TextChoices):
        PROVIDER = "provider", _("original way of payment")
        TRANSFER = "transfer", _("bank transfer")
        CASH = "cash", _("cash")

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="refunds"
    )
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="refunds"
    )
    payment = models.ForeignKey(
        Payment,
        verbose_name=_("payment"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="refunds",
        help_text=_("Whose money goes back."),
    )
    document = models.ForeignKey(
        Document,
        verbose_name=_("because of"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="refunds",
        help_text=_("The correction or cancellation the money goes back for."),
    )
    receipt = models.OneToOneField(
        Document,
        verbose_name=_("receipt"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="refund_booked",
    )
    amount_minor = models.BigIntegerField(_("amount (minor units)"))
    currency = models.CharField(_("currency"), max_length=3)
    way = models.CharField(_("way"), max_length=10, choices=Way.choices)
    provider = models.CharField(_("provider"), max_length=40, blank=True)
    account = models.ForeignKey(
        ProviderAccount,
        verbose_name=_("account at the provider"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="refunds",
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.CREATED)
    idempotency_key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    reference = models.CharField(_("provider's reference"), max_length=120, blank=True)
    iban = models.CharField(_("IBAN"), max_length=34, blank=True, validators=[validate_iban])
    account_holder = models.CharField(_("account holder"), max_length=70, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    failure = models.CharField(
        _("why it failed"), max_length=200, blank=True, help_text=_("In the provider's words.")
    )
    paid_on = models.DateField(_("paid back on"), null=True, blank=True)
    # As for payments: older news never undo newer ones.
    asked_at = models.DateTimeField(_("provider asked at"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    amount = money_of("amount_minor")

    objects = RefundQuerySet.as_manager()

    class Meta(OutsideWork.Meta):
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ["-id"]
        permissions = [("refund_payment", _("Can pay money back"))]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_amount_is_positive"),
            models.CheckConstraint(
                condition=~Q(state="paid") | Q(receipt__isnull=False, paid_on__isnull=False),
                name="paid_refunds_have_receipt_and_day",
            ),
            models.CheckConstraint(
                condition=~Q(way="provider") | Q(payment__isnull=False),
                name="provider_refunds_have_a_payment",
            ),
            models.CheckConstraint(
                condition=~Q(way="transfer") | (~Q(iban="") & ~Q(account_holder="")),
                name="transfer_refunds_have_an_account",
            ),
            models.UniqueConstraint(
                fields=["provider", "reference"],
                condition=~Q(reference=""),
                name="a_refund_reference_is_recorded_once",
            ),
        ]
        indexes = [
            *OutsideWork.Meta.indexes,
            models.Index(fields=["issuer", "-id"], name="refund_by_issuer"),
            models.Index(
                fields=["issuer", "id"],
                condition=Q(state__in=["created", "pending", "failed"]),
                name="refund_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_way_display()} {amount_text(self.amount)}"

    @property
    def state_text(self) -> str:
        """The state; of a transfer that waits for a person, what they have to do."""
        if self.state == self.State.PENDING and self.way == self.Way.TRANSFER:
            return str(_("to be transferred"))
        return self.get_state_display()
