"""Status files of agencies, line by line, from the preview to what they changed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cms_billing.core import clock
from cms_billing.core.money import money_of
from cms_billing.faktura.models import Issuer

from .agencies import Agency, ClaimStatus
from .collection import HandOverClaim, VisibleQuerySet


class StatusFile(models.Model):
    """A file that came back. Its lines change nothing before a person applies them; the same bytes come in once."""

    class State(models.TextChoices):
        READ = "read", _("read, not applied")
        APPLIED = "applied", _("applied")

    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey(
        Agency, verbose_name=_("agency"), on_delete=models.PROTECT, related_name="status_files"
    )
    name = models.CharField(_("file name"), max_length=200)
    sha256 = models.CharField("SHA-256", max_length=64)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.READ)
    uploaded_at = models.DateTimeField(_("uploaded"), default=clock.now)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = VisibleQuerySet.as_manager()

    class Meta:
        verbose_name = _("status file")
        verbose_name_plural = _("status files")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["agency", "sha256"], name="a_status_file_comes_in_once")
        ]

    def __str__(self) -> str:
        return self.name


class StatusLine(models.Model):
    """One line: which claim it is about, what it says, and why it changes nothing where it does not."""

    file = models.ForeignKey(StatusFile, on_delete=models.CASCADE, related_name="lines")
    line = models.PositiveIntegerField(pgettext_lazy("file", "line"))
    hand_over = models.CharField(_("hand-over"), max_length=60, blank=True)
    document = models.CharField(pgettext_lazy("billing", "document"), max_length=60, blank=True)
    word = models.CharField(_("written"), max_length=80, blank=True)
    claim = models.ForeignKey(
        HandOverClaim, null=True, blank=True, on_delete=models.PROTECT, related_name="status_lines"
    )
    status = models.CharField(_("status"), max_length=16, choices=ClaimStatus.choices, blank=True)
    paid_minor = models.BigIntegerField(_("paid there (minor units)"), default=0)
    costs_minor = models.BigIntegerField(_("costs (minor units)"), default=0)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    day = models.DateField(_("day"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=255, blank=True)
    problem = models.CharField(_("problem"), max_length=255, blank=True)
    applied_at = models.DateTimeField(_("applied"), null=True, blank=True)

    paid = money_of("paid_minor")
    costs = money_of("costs_minor")

    class Meta:
        verbose_name = _("line of a status file")
        verbose_name_plural = _("lines of status files")
        ordering = ["file", "line"]
        constraints = [
            models.UniqueConstraint(fields=["file", "line"], name="one_status_line_per_file_and_line")
        ]

    def __str__(self) -> str:
        return f"{self.file}: {self.line}"
