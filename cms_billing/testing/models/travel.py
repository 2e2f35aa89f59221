"""Journeys of the site's clock."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class TimeTravel(models.Model):
    """A journey of the site's clock, day by day, that somebody asked for. Its own times are real ones."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting for a worker")
        RUNNING = "running", _("under way")
        DONE = "done", _("arrived")
        FAILED = "failed", _("stopped")

    until = models.DateField()
    # The last day that was lived to its end.
    day = models.DateField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    # One sentence a day.
    lines = models.JSONField(default=list)
    error = models.TextField(blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    seen_alive_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("journey of the clock")
        verbose_name_plural = _("journeys of the clock")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.day} → {self.until}"

    @property
    def is_over(self) -> bool:
        return self.state in (self.State.DONE, self.State.FAILED)
