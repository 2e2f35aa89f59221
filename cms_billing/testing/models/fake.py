"""The fake provider's own books. They stand for another company's database: nothing of ours points at them."""

from __future__ import annotations

import secrets
import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cms_billing.core import clock
from cms_billing.core.money import money_of


def new_reference() -> str:
    return f"fake_{secrets.token_hex(8)}"


def new_refund_reference() -> str:
    return f"fakere_{secrets.token_hex(8)}"


class FakeCharge(models.Model):
    """One charge as the fake provider sees it. The same idempotency key is the same charge."""

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        SETTLED = "settled", pgettext_lazy("payment", "settled")
        FAILED = "failed", _("failed")
        CHARGED_BACK = "charged_back", _("charged back")

    idempotency_key = models.UUIDField(default=uuid.uuid4, unique=True)
    reference = models.CharField(max_length=40, unique=True, default=new_reference)
    method_reference = models.CharField(max_length=120)
    description = models.CharField(max_length=120, blank=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=12, choices=Status.choices)
    reason = models.CharField(max_length=200, blank=True)
    code = models.CharField(max_length=80, blank=True, help_text="Of a refusal or return.")
    advice = models.CharField(max_length=80, blank=True)
    final = models.BooleanField(default=False, help_text="A failure that no further attempt can mend.")
    charged_back_minor = models.BigIntegerField(default=0)
    requests = models.PositiveIntegerField(default=1, help_text="How often the charge was asked for.")
    # What time will do to it; None: nothing.
    settles_on = models.DateField(null=True)
    fails_on = models.DateField(null=True)
    charges_back_on = models.DateField(null=True)
    # [{"at": …, "status": …, "reason": …}], oldest first.
    history = models.JSONField(default=list)
    created_at = models.DateTimeField(default=clock.now)

    amount = money_of("amount_minor")
    charged_back = money_of("charged_back_minor")

    class Meta:
        verbose_name = _("fake charge")
        verbose_name_plural = _("fake charges")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.reference} {self.amount} {self.status}"


class FakeRefund(models.Model):
    """Money the fake provider has paid back of a charge, or is about to. The same key is the same refund."""

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        PAID = "paid", _("paid")
        FAILED = "failed", _("failed")

    charge = models.ForeignKey(FakeCharge, on_delete=models.CASCADE, related_name="refunds")
    idempotency_key = models.UUIDField(default=uuid.uuid4, unique=True)
    reference = models.CharField(max_length=40, unique=True, default=new_refund_reference)
    description = models.CharField(max_length=120, blank=True)
    amount_minor = models.BigIntegerField()
    status = models.CharField(max_length=12, choices=Status.choices)
    reason = models.CharField(max_length=200, blank=True)
    requests = models.PositiveIntegerField(default=1, help_text="How often the refund was asked for.")
    # What time will do to it; None: nothing.
    pays_on = models.DateField(null=True)
    fails_on = models.DateField(null=True)
    history = models.JSONField(default=list)
    created_at = models.DateTimeField(default=clock.now)

    amount = money_of("amount_minor", "charge.currency")

    class Meta:
        verbose_name = _("fake refund")
        verbose_name_plural = _("fake refunds")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.reference} {self.amount} {self.status}"


class FakeWebhook(models.Model):
    """News the fake provider has to tell: sent when ``deliver_webhooks`` is called, as often as it says."""

    charge = models.ForeignKey(FakeCharge, on_delete=models.CASCADE, related_name="webhooks")
    refund = models.ForeignKey(FakeRefund, null=True, on_delete=models.CASCADE, related_name="webhooks")
    status = models.CharField(max_length=12)
    times_sent = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("fake webhook")
        verbose_name_plural = _("fake webhooks")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.charge_id} {self.status}"


class FakeBehaviour(models.Model):
    """A script: what the fake provider does with the next charges of a method, before what its reference says.

    ``behaviour`` is written like a method reference, such as ``timeout-after`` or ``pending-3`` (see ``providers``).
    Scripts of one method are used in the order they were written; ``times`` is how many requests each answers.
    """

    method_reference = models.CharField(max_length=120, blank=True, help_text="Empty: every method.")
    behaviour = models.CharField(max_length=120)
    times = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("fake behaviour")
        verbose_name_plural = _("fake behaviours")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.method_reference or '*'}: {self.behaviour} × {self.times}"
