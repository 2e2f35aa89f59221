"""Technical models only: the clock, whose database this is, and the state that all outside work shares."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from . import clock
from .exceptions import FrozenRecord
from .fingerprint import Fingerprint


class ClockShift(models.Model):
    """One row: by how many days the time machine has moved the clock."""

    days = models.PositiveIntegerField(_("days"), default=0)

    class Meta:
        verbose_name = _("clock shift")
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="there_is_one_clock")]

    def __str__(self) -> str:
        return f"+{self.days}"


class Installation(models.Model):
    """One row: the fingerprint under which this database talks to the outside. See ``core.copies``."""

    site = models.CharField(_("address of the site"), max_length=255, blank=True)
    place = models.CharField(_("installation, or place of the database"), max_length=255, blank=True)
    database = models.CharField(_("database"), max_length=1000, blank=True)
    server = models.CharField(_("identity of the database server"), max_length=64, blank=True)
    confirmed_at = models.DateTimeField(_("confirmed"), default=clock.now)
    # Nobody: the database was new, and its first use confirmed it.
    confirmed_by = models.CharField(_("confirmed by"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("installation")
        verbose_name_plural = _("installations")
        default_permissions = ()
        permissions = [
            ("confirm_installation", _("Can confirm that this is no copy, so that it sends again"))
        ]
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="there_is_one_installation")]

    def __str__(self) -> str:
        return self.site or self.place or self.database

    @property
    def fingerprint(self) -> Fingerprint:
        return Fingerprint(self.site, self.place, self.database, self.server)


class OutsideWork(models.Model):
    """A piece of work that talks to the outside (mail, PDF, charge, webhook): a row with a state, never only a task.

    Written by ``core.outbox`` alone. A task is a hint to look at the row; the sweeper finds what a lost task forgot.
    """

    class WorkState(models.TextChoices):
        PENDING = "pending", _("pending")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    work_state = models.CharField(
        _("state"), max_length=8, choices=WorkState.choices, default=WorkState.PENDING, editable=False
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, editable=False)
    next_try_at = models.DateTimeField(_("next try"), null=True, blank=True, editable=False)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    claim = models.UUIDField(null=True, blank=True, editable=False)
    last_error = models.TextField(_("last error"), blank=True, default="", editable=False)
    done_at = models.DateTimeField(_("done at"), null=True, blank=True, editable=False)

    class Meta:
        abstract = True
        indexes = [
            models.Index(
                fields=["next_try_at", "id"],
                condition=models.Q(work_state__in=["pending", "running"]),
                name="billing_%(class)s_work",
            ),
        ]


class FrozenQuerySet(models.QuerySet[Any]):
    """Refuses ``delete()``; the database triggers refuse the rest (see ``core.freezing``)."""

    def delete(self) -> tuple[int, dict[str, int]]:
        deletable = [row for row in self if not row.is_frozen]
        if len(deletable) != len(self):
            raise FrozenRecord(_("What has been issued, booked or archived cannot be deleted."))
        return super().delete()


class FrozenModel(models.Model):
    """A row that can be written once. Subclasses say in ``is_frozen`` from when on."""

    class Meta:
        abstract = True

    @property
    def is_frozen(self) -> bool:
        return self.pk is not None

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding and self.is_frozen:
            raise FrozenRecord(
                _("%(object)s cannot be changed any more; correct it with a new document.") % {"object": self}
            )
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        if self.is_frozen:
            raise FrozenRecord(_("%(object)s cannot be deleted.") % {"object": self})
        return super().delete(*args, **kwargs)
