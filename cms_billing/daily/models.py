"""The daily run, recorded: what it did, how long it took, and what it had to leave to a person."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.core.texts import day_text
from cms_billing.faktura.models import Issuer


class _OfVisibleIssuers(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> _OfVisibleIssuers:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class DailyRun(models.Model):
    """One issuer's run of one local day. Running it again adds to the same row."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="daily_runs"
    )
    day = models.DateField(_("day"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField(_("started"), default=clock.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    # What the step "report" found when the run ended: counts and sums by currency, in minor units; "sent" is false
    # where the run was made on a copy of the database.
    report = models.JSONField(_("report"), default=dict, blank=True)

    objects = _OfVisibleIssuers.as_manager()

    class Meta:
        verbose_name = _("daily run")
        verbose_name_plural = _("daily runs")
        ordering = ["-day", "issuer"]
        permissions = [
            ("start_run", _("Can start runs at once")),
            ("retry_work", _("Can try failed work again")),
        ]
        constraints = [models.UniqueConstraint(fields=["issuer", "day"], name="one_run_per_issuer_and_day")]

    def __str__(self) -> str:
        return f"{self.issuer} {day_text(self.day)}"


class RunStep(models.Model):
    """One step of a run. Counts of rows commit with the rows they count; outside work is counted after it is done."""

    class State(models.TextChoices):
        PENDING = "pending", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")

    run = models.ForeignKey(DailyRun, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(_("step"), max_length=20)
    position = models.PositiveSmallIntegerField()
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.PENDING)
    done = models.PositiveIntegerField(_("done"), default=0)
    failed = models.PositiveIntegerField(
        _("failed"), default=0, help_text=_("Attempts that will be tried again.")
    )
    expected = models.PositiveIntegerField(
        _("expected"), default=0, help_text=_("Rows to do when the step began.")
    )
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["run", "position"]
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="one_step_per_run_and_name")]

    def __str__(self) -> str:
        from .steps import STEPS

        return str(next((step.label for step in STEPS if step.name == self.name), self.name))


class ParkedRow(models.Model):
    """A row the run could not do, with the reason in plain words; it is tried again every day until it is mended."""

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.CASCADE, related_name="parked_rows"
    )
    step = models.CharField(_("step"), max_length=20)
    subject = models.CharField(max_length=60, help_text=_("Model of the row, such as “app.Model”."))
    subject_id = models.BigIntegerField()
    label = models.CharField(_("row"), max_length=200)
    reason = models.TextField(_("reason"))
    first_seen = models.DateTimeField(_("first seen"), default=clock.now)
    last_seen = models.DateTimeField(_("last seen"), default=clock.now)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    objects = _OfVisibleIssuers.as_manager()

    class Meta:
        verbose_name = _("parked row")
        verbose_name_plural = _("parked rows")
        ordering = ["-last_seen", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "step", "subject", "subject_id"],
                condition=Q(resolved_at=None),
                name="a_row_is_parked_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.reason}"
