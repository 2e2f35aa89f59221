"""The books of three companies that are not there: what Stripe, Mollie and Adyen know. Nothing of ours points here.

All three share these tables; what an object looks like, and what becomes of it, each dialect in ``vendors`` says.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock


class VendorObject(models.Model):
    """One object as the vendor's API shows it: a customer, payment, refund, page, token, dispute, payout."""

    vendor = models.CharField(max_length=12)
    account = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=40)
    object_id = models.CharField(max_length=120)
    # What it belongs to: a refund to its payment, a mandate to its customer.
    parent_id = models.CharField(max_length=120, blank=True, db_index=True)
    data = models.JSONField(default=dict)
    # What the API does not show: how the card behaves, what was decided on the page.
    hidden = models.JSONField(default=dict)
    # What time does to it next, and when; ``act`` is read by the dialect.
    act = models.CharField(max_length=40, blank=True)
    acts_on = models.DateField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("object of a vendor")
        verbose_name_plural = _("objects of vendors")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["vendor", "object_id"], name="a_vendor_names_an_object_once")
        ]
        indexes = [
            models.Index(fields=["vendor", "kind", "id"], name="vendor_object_by_kind"),
            models.Index(
                fields=["vendor", "acts_on"],
                condition=models.Q(acts_on__isnull=False),
                name="vendor_object_acts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.vendor} {self.kind} {self.object_id}"


class VendorAnswer(models.Model):
    """An answer kept under its idempotency key: the same key gets it again."""

    vendor = models.CharField(max_length=12)
    account = models.CharField(max_length=40, blank=True)
    key = models.CharField(max_length=255)
    # SHA-256 of method, path and parameters: another request under the same key is refused.
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("answer of a vendor")
        verbose_name_plural = _("answers of vendors")
        constraints = [
            models.UniqueConstraint(fields=["vendor", "account", "key"], name="a_vendor_answers_a_key_once")
        ]

    def __str__(self) -> str:
        return f"{self.vendor} {self.key}"


class VendorWebhook(models.Model):
    """News a vendor has to tell an account's webhook address, as it will be sent: raw body and headers."""

    vendor = models.CharField(max_length=12)
    account = models.CharField(max_length=40)
    about = models.CharField(max_length=120, blank=True)
    body = models.BinaryField()
    headers = models.JSONField(default=dict)
    content_type = models.CharField(max_length=80, default="application/json")
    times_sent = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("webhook of a vendor")
        verbose_name_plural = _("webhooks of vendors")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.vendor} → {self.account}: {self.about}"


class VendorFault(models.Model):
    """A script: what goes wrong with the next ``times`` requests of a vendor whose path starts with ``path``."""

    class Kind(models.TextChoices):
        TIMEOUT_BEFORE = "timeout-before", _("lost before it was done")
        TIMEOUT_AFTER = "timeout-after", _("answer lost")
        DOWN = "down", _("down")
        NOT_JSON = "not-json", _("answers with a web page")
        RATE_LIMITED = "rate-limited", _("too many requests")
        UNAUTHORISED = "unauthorised", _("key refused")

    vendor = models.CharField(max_length=12)
    method = models.CharField(max_length=8, blank=True, help_text="Empty: every method.")
    path = models.CharField(max_length=200, blank=True, help_text="Start of the path; empty: every path.")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    times = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("fault of a vendor")
        verbose_name_plural = _("faults of vendors")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.vendor} {self.path or '*'}: {self.kind} × {self.times}"
