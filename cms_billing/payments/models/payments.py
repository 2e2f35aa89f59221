"""Every attempt to move money, and which documents it settles."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.core.models import OutsideWork
from cms_billing.core.money import money_of
from cms_billing.core.texts import amount_text
from cms_billing.faktura.models import Customer, Document, Issuer, LedgerEntry

from .accounts import ProviderAccount
from .methods import PaymentMethod
from .sessions import PaymentSession


class PaymentQuerySet(models.QuerySet["Payment"]):
    def visible_to(self, user: Any) -> PaymentQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class Payment(OutsideWork):
    """One attempt to move money (Zahlung). Written and committed before it is sent, with a random key of its own.

    ``state`` is what we know of the money; the ``OutsideWork`` columns are what is left to do about it.
    """

    class State(models.TextChoices):
        CREATED = "created", _("not sent yet")
        PENDING = "pending", _("under way")
        SETTLED = "settled", _("received")
        FAILED = "failed", _("failed")
        CHARGED_BACK = "charged_back", _("charged back")
        # Never sent: by the time it was its turn the document was no longer owed as it stood.
        WITHDRAWN = "withdrawn", _("withdrawn")

    class Way(models.TextChoices):
        PROVIDER = "provider", _("payment provider")
        TRANSFER = "transfer", _("bank transfer")
        CASH = "cash", _("cash")
        CARD = "card", _("card terminal")
        OTHER = "other", _("other")

    class Appropriation(models.TextChoices):
        """What of a document it settles first (§§ 366, 367 BGB)."""

        LAW = "law", _("costs, then interest, then the claim (§ 367 BGB)")
        PRINCIPAL = "principal", _("the claim first, as the payer determined")

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="payments"
    )
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="payments"
    )
    provider = models.CharField(_("provider"), max_length=40, blank=True)
    account = models.ForeignKey(
        ProviderAccount,
        verbose_name=_("account at the provider"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="payments",
    )
    session = models.OneToOneField(
        PaymentSession, null=True, blank=True, on_delete=models.PROTECT, related_name="payment"
    )
    way = models.CharField(_("way of payment"), max_length=10, choices=Way.choices)
    method = models.ForeignKey(
        PaymentMethod, null=True, blank=True, on_delete=models.PROTECT, related_name="payments"
    )
    document = models.ForeignKey(
        Document,
        verbose_name=_("asked for"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="payments",
        help_text=_("The document a charge was made for; what a payment settled is in its allocations."),
    )
    amount_minor = models.BigIntegerField(_("amount (minor units)"))
    currency = models.CharField(_("currency"), max_length=3)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.CREATED)
    idempotency_key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    reference = models.CharField(_("provider's reference"), max_length=120, blank=True)
    reason = models.CharField(
        _("reason"), max_length=200, blank=True, help_text=_("Why it failed or came back.")
    )
    # The provider's own code of a refusal, such as "insufficient_funds"; what it means is in ``payments.refusals``.
    refusal_code = models.CharField(_("refusal code"), max_length=80, blank=True)
    # What the provider or the card network advised, such as "do_not_try_again" or "MAC-03".
    refusal_advice = models.CharField(max_length=80, blank=True, editable=False)
    received_on = models.DateField(_("received on"), null=True, blank=True)
    # When the provider was asked for what we know of the payment: older news never undo newer ones.
    asked_at = models.DateTimeField(_("provider asked at"), null=True, blank=True, editable=False)
    # What the provider has paid back of it that we know nothing of: made by hand at its own dashboard.
    refunded_elsewhere_minor = models.BigIntegerField(
        _("paid back at the provider (minor units)"), default=0, editable=False
    )
    # The fee that is booked for its chargeback now, and on which document; taken off when the dispute is won.
    chargeback_fee_minor = models.BigIntegerField(
        _("fee for the chargeback (minor units)"), default=0, editable=False
    )
    chargeback_fee_document = models.ForeignKey(
        Document, null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    appropriation = models.CharField(
        _("settles first"), max_length=10, choices=Appropriation.choices, default=Appropriation.LAW
    )
    note = models.CharField(_("note"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    amount = money_of("amount_minor")
    refunded_elsewhere = money_of("refunded_elsewhere_minor")
    chargeback_fee = money_of("chargeback_fee_minor")

    objects = PaymentQuerySet.as_manager()

    class Meta(OutsideWork.Meta):
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["-id"]
        permissions = [
            ("record_payment", _("Can record payments")),
            ("charge_back_payment", _("Can enter chargebacks")),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payment_amount_is_positive"),
            models.UniqueConstraint(
                fields=["provider", "reference"],
                condition=~Q(reference=""),
                name="a_provider_reference_is_recorded_once",
            ),
            # A second charge for a document while one is under way would take the money twice.
            models.UniqueConstraint(
                fields=["document"],
                condition=Q(state__in=["created", "pending"]),
                name="one_charge_under_way_per_document",
            ),
        ]
        indexes = [
            *OutsideWork.Meta.indexes,
            models.Index(fields=["issuer", "-id"], name="payment_by_issuer"),
            models.Index(fields=["issuer", "id"], condition=Q(state="pending"), name="payment_pending"),
            models.Index(
                fields=["issuer", "id"],
                condition=Q(refunded_elsewhere_minor__gt=0),
                name="payment_refunded_elsewhere",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_way_display()} {amount_text(self.amount)}"


class Allocation(models.Model):
    """Which part of a payment settles which document (Zuordnung); without one, it stands on account.

    Append-only: a chargeback adds a negative allocation.
    """

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="allocations")
    document = models.ForeignKey(
        Document, null=True, blank=True, on_delete=models.PROTECT, related_name="allocations"
    )
    amount_minor = models.BigIntegerField(_("amount (minor units)"))
    ledger_entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="allocation")

    amount = money_of("amount_minor", "payment.currency")

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        ordering = ["id"]

    def __str__(self) -> str:
        settles = self.document or _("on account")
        return f"{amount_text(self.amount)} → {settles}"
