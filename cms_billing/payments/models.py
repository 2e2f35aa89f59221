"""Money on its way: how a customer pays, every attempt to move money, and which documents it settles."""

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
from cms_billing.faktura.models import Customer, Document, Issuer, LedgerEntry
from cms_billing.faktura.validators import validate_iban


class PaymentMethodQuerySet(models.QuerySet["PaymentMethod"]):
    def visible_to(self, user: Any) -> PaymentMethodQuerySet:
        return self.filter(customer__issuer__in=Issuer.objects.visible_to(user))

    def of_user(self, user: Any) -> PaymentMethodQuerySet:
        return self.filter(customer__user_id=user.pk) if user.is_authenticated else self.none()


class PaymentMethod(models.Model):
    """A stored way to collect from a customer: a card or mandate kept by the provider, known here by its token."""

    class State(models.TextChoices):
        USABLE = "usable", _("usable")
        REVOKED = "revoked", _("revoked")

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="payment_methods"
    )
    provider = models.CharField(_("provider"), max_length=40)
    reference = models.CharField(_("provider's reference"), max_length=120)
    label = models.CharField(
        _("description"), max_length=80, blank=True, help_text=_("Such as “Visa •••• 4242”.")
    )
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.USABLE)
    is_default = models.BooleanField(_("default"), default=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    objects = PaymentMethodQuerySet.as_manager()

    class Meta:
        verbose_name = _("payment method")
        verbose_name_plural = _("payment methods")
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(is_default=True, state="usable"),
                name="one_default_payment_method_per_customer",
            )
        ]

    def __str__(self) -> str:
        return self.label or f"{self.provider} {self.reference}"


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

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="payments"
    )
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="payments"
    )
    provider = models.CharField(_("provider"), max_length=40, blank=True)
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
    received_on = models.DateField(_("received on"), null=True, blank=True)
    # When the provider was asked for what we know of the payment: older news never undo newer ones.
    asked_at = models.DateTimeField(_("provider asked at"), null=True, blank=True, editable=False)
    # What the provider has paid back of it that we know nothing of: made by hand at its own dashboard.
    refunded_elsewhere_minor = models.BigIntegerField(
        _("paid back at the provider (minor units)"), default=0, editable=False
    )
    note = models.CharField(_("note"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    amount = money_of("amount_minor")
    refunded_elsewhere = money_of("refunded_elsewhere_minor")

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
        return f"{amount_text(self.amount)} → {self.document or _('on account')}"


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


class WebhookEvent(OutsideWork):
    """A webhook as it came: stored raw, verified, processed once from this row by fetching the object."""

    provider = models.CharField(_("provider"), max_length=40)
    body = models.BinaryField()
    digest = models.CharField(
        max_length=64, help_text=_("SHA-256 of the body: repeated while it waits, it stays one row.")
    )
    references = models.JSONField(default=list)
    received_at = models.DateTimeField(_("received at"), default=clock.now)

    class Meta(OutsideWork.Meta):
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        indexes = [
            *OutsideWork.Meta.indexes,
            models.Index(fields=["digest"], condition=Q(work_state="pending"), name="webhook_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.received_at:%Y-%m-%d %H:%M:%S}"
