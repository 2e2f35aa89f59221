"""Invoice runs: which bookings become invoices together, by hand or on a schedule."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.core.models import OutsideWork
from cms_billing.core.texts import day_text

from .parties import Customer, Issuer


class _OfVisibleIssuers(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> _OfVisibleIssuers:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class RunFilters(models.Model):
    """Which bookings a run takes; an empty filter takes all."""

    class Result(models.TextChoices):
        DRAFTS = "drafts", _("drafts that a person or the grace window issues")
        ISSUED = "issued", _("invoices, issued at once")

    customer_kind = models.CharField(
        _("kind of customer"), max_length=8, choices=Customer.Kind.choices, blank=True
    )
    source = models.CharField(
        _("what was sold"),
        max_length=20,
        blank=True,
        help_text=_("Bookings of this source only: contracts, orders or entries by hand."),
    )
    contract = models.CharField(
        _("contract number"),
        max_length=32,
        blank=True,
        help_text=_("Contracts whose number begins like this."),
    )
    result = models.CharField(_("result"), max_length=6, choices=Result.choices, default=Result.DRAFTS)

    class Meta:
        abstract = True


class RunSchedule(RunFilters):
    """A run that starts by itself with the daily run: monthly on a day, or weekly on a weekday."""

    class Every(models.TextChoices):
        MONTH = "month", _("every month")
        WEEK = "week", _("every week")

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.CASCADE, related_name="run_schedules"
    )
    name = models.CharField(_("name"), max_length=80)
    every = models.CharField(_("repeated"), max_length=5, choices=Every.choices, default=Every.MONTH)
    day = models.PositiveSmallIntegerField(
        _("day"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(31)],
        help_text=_("Of the month (31: its last day), or of the week (1: Monday)."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    last_day = models.DateField(_("last started for"), null=True, blank=True, editable=False)

    objects = _OfVisibleIssuers.as_manager()

    class Meta:
        verbose_name = _("schedule of invoice runs")
        verbose_name_plural = _("schedules of invoice runs")
        ordering = ["issuer", "name"]

    def __str__(self) -> str:
        return self.name


class InvoiceRun(RunFilters, OutsideWork):
    """Bookings of a period, billed together. Started again with the same period and filters it adds to itself.

    The work is done chunk by chunk by a worker; ``work_state`` says how far it is.
    """

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="invoice_runs"
    )
    schedule = models.ForeignKey(
        RunSchedule, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    period_start = models.DateField(_("due from"))
    period_end = models.DateField(_("due to"))
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    started_at = models.DateTimeField(_("started"), default=clock.now)
    expected = models.PositiveIntegerField(_("customers with something to bill"), default=0)
    taken = models.PositiveIntegerField(_("customers looked at"), default=0)
    # Where the work stands: the last customer looked at. A run whose worker was killed goes on from here.
    last_customer = models.BigIntegerField(default=0, editable=False)
    problems = models.JSONField(_("problems"), default=list, blank=True)

    objects = _OfVisibleIssuers.as_manager()

    class Meta(OutsideWork.Meta):
        verbose_name = _("invoice run")
        verbose_name_plural = _("invoice runs")
        ordering = ["-started_at", "-id"]
        permissions = [("start_invoicerun", _("Can start invoice runs"))]
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "issuer",
                    "period_start",
                    "period_end",
                    "customer_kind",
                    "source",
                    "contract",
                    "result",
                ],
                name="a_run_with_the_same_filters_is_the_same_run",
            ),
            models.CheckConstraint(
                condition=Q(period_end__gte=models.F("period_start")), name="run_period_runs_forward"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issuer} {day_text(self.period_start)} – {day_text(self.period_end)}"
