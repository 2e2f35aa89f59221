"""Amounts that became due and wait for their invoice."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.core.money import money_of

from ..validators import validate_currency
from .parties import Customer, Issuer, TaxRate


class BookingQuerySet(models.QuerySet["Booking"]):
    def visible_to(self, user: Any) -> BookingQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class Booking(models.Model):
    """One amount that became due (Buchung): waits for its invoice, at most one a source, service period and kind.

    ``source`` names the row above that owes it (``contract_line``, ``order_line``, ``manual``) and ``source_id`` its
    primary key: faktura does not know contracts or orders. Bookings of one customer with the same ``invoice_group``
    that became due on the same day go on one invoice. ``contract_reference`` is the number of the contract it pays for.
    """

    class State(models.TextChoices):
        OPEN = "open", _("to be billed")
        DRAFT = "draft", _("on a draft")
        BILLED = "billed", _("billed")
        VOID = "void", _("void")

    # Foreign keys of the tables a run writes have no index of their own where another index begins with them, or where
    # nobody looks them up: every index costs each of thousands of rows.
    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="bookings", db_index=False
    )
    customer = models.ForeignKey(
        Customer,
        verbose_name=_("customer"),
        on_delete=models.PROTECT,
        related_name="bookings",
        db_index=False,
    )
    source = models.CharField(_("source"), max_length=20)
    source_id = models.BigIntegerField(_("source id"))
    kind = models.CharField(_("kind"), max_length=20, default="recurring")
    period_start = models.DateField(_("service period from"))
    period_end = models.DateField(_("service period to"))
    due_on = models.DateField(_("due on"))
    invoice_group = models.CharField(_("invoice group"), max_length=64)
    contract_reference = models.CharField(_("contract"), max_length=32, blank=True)
    description = models.CharField(_("description"), max_length=255)
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3, default=1)
    unit_price_minor = models.BigIntegerField(_("unit price (minor units)"))
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    prices_include_tax = models.BooleanField(_("price includes tax"), default=True)
    tax_code = models.CharField(_("tax code"), max_length=12, choices=TaxRate.Code.choices)
    # Usage or other particulars of the line, see ``DocumentLine.details``.
    details = models.JSONField(_("details"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=6, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    unit_price = money_of("unit_price_minor")

    objects = BookingQuerySet.as_manager()

    class Meta:
        verbose_name = _("booking")
        verbose_name_plural = _("bookings")
        ordering = ["due_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_id", "period_start", "kind"],
                name="one_booking_per_source_period_and_kind",
            ),
            models.CheckConstraint(
                condition=Q(period_end__gte=models.F("period_start")), name="booking_period_runs_forward"
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "due_on"], condition=Q(state="open"), name="booking_open"),
            models.Index(fields=["contract_reference", "issuer"], name="booking_contract"),
        ]

    def __str__(self) -> str:
        return f"{self.description} ({self.period_start} – {self.period_end})"
