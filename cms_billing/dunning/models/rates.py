"""The base rate that default interest is counted from."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class BaseRate(models.Model):
    """The base rate of § 247 BGB from a day on: a change, on 1 January or 1 July, is a new row."""

    valid_from = models.DateField(_("valid from"), unique=True)
    percent = models.DecimalField(_("percent a year"), max_digits=5, decimal_places=2)
    source = models.CharField(_("source"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("base rate")
        verbose_name_plural = _("base rates")
        ordering = ["-valid_from"]

    def __str__(self) -> str:
        return f"{self.percent} %"
