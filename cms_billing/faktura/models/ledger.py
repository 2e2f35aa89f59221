"""What is owed: append-only rows, and the open item they add up to."""

from __future__ import annotations

import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.core.models import FrozenModel, FrozenQuerySet
from cms_billing.core.money import money_of

from .documents import Document
from .parties import Customer, Issuer


class LedgerEntry(FrozenModel):
    """One signed row on a customer's account (Kontobuchung): what is owed is positive, what settles it negative.

    Without a document it stands on account: an overpayment, or a payment whose invoice was cancelled.
    """

    class Kind(models.TextChoices):
        INVOICE = "invoice", _("invoice")
        PAYMENT = "payment", _("payment")
        CREDIT = "credit", _("credit note")
        CANCELLATION = "cancellation", _("cancellation")
        CHARGEBACK = "chargeback", _("chargeback")
        FEE = "fee", _("fee")
        INTEREST = "interest", _("default interest")
        REFUND = "refund", _("refund")
        WRITE_OFF = "write_off", _("write-off")
        TRANSFER = "transfer", _("transfer between items")

    issuer = models.ForeignKey(
        Issuer, on_delete=models.PROTECT, related_name="ledger_entries", db_index=False
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="ledger_entries", db_index=False
    )
    document = models.ForeignKey(
        Document, null=True, blank=True, on_delete=models.PROTECT, related_name="ledger_entries"
    )
    related_document = models.ForeignKey(
        Document, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    amount_minor = models.BigIntegerField(_("amount (minor units)"))
    currency = models.CharField(_("currency"), max_length=3)
    booked_on = models.DateField(_("booked on"))
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    note = models.CharField(_("note"), max_length=200, blank=True)

    amount = money_of("amount_minor")

    # Claimed beside what was sold; no turnover, no tax.
    CHARGES = (Kind.FEE, Kind.INTEREST)

    objects = FrozenQuerySet.as_manager()

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ["booked_on", "id"]
        indexes = [
            models.Index(fields=["customer", "booked_on", "id"], name="ledger_by_customer"),
            models.Index(fields=["issuer", "booked_on"], name="ledger_by_day"),
            models.Index(
                fields=["customer", "currency"], condition=Q(document=None), name="ledger_on_account"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount}"


class OpenItemQuerySet(models.QuerySet["OpenItem"]):
    def open(self) -> OpenItemQuerySet:
        return self.filter(open_minor__gt=0)

    def overdue(self, *, today: datetime.date) -> OpenItemQuerySet:
        """Owed, and the due date has passed."""
        return self.filter(open_minor__gt=0, due_on__lt=today)

    def visible_to(self, user: Any) -> OpenItemQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class OpenItem(models.Model):
    """The open amount of an issued document (offener Posten): always the sum of its ledger entries.

    ``charges_minor`` is the sum of those that are fees and interest, whatever was paid: while ``open_minor`` is not
    above it, the claim itself is covered.

    The changeable counterpart of the frozen document, written only by ``services.ledger`` together with the entries;
    ``billing_verify`` compares the two. ``due_on`` may be deferred, the document's never changes.
    """

    document = models.OneToOneField(
        Document, primary_key=True, on_delete=models.PROTECT, related_name="open_item"
    )
    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="open_items", db_index=False)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="open_items", db_index=False
    )
    currency = models.CharField(_("currency"), max_length=3)
    due_on = models.DateField(_("due on"))
    open_minor = models.BigIntegerField(_("open (minor units)"))
    charges_minor = models.BigIntegerField(_("fees and interest (minor units)"), default=0)
    settled_on = models.DateField(_("settled on"), null=True, blank=True)

    open_amount = money_of("open_minor")

    objects = OpenItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("open item")
        verbose_name_plural = _("open items")
        ordering = ["due_on", "document_id"]
        indexes = [
            models.Index(fields=["issuer", "due_on"], condition=~Q(open_minor=0), name="open_item_due"),
            models.Index(
                fields=["customer", "due_on", "document"],
                condition=~Q(open_minor=0),
                name="open_item_customer",
            ),
            models.Index(fields=["open_minor"], condition=~Q(open_minor=0), name="open_item_amount"),
        ]

    def __str__(self) -> str:
        return f"{self.document}: {self.open_amount}"
