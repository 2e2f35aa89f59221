"""Up to which day an issuer's bank statements have been looked through."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.core.texts import day_text
from cms_billing.faktura.models import Issuer


class StatementDayQuerySet(models.QuerySet["StatementDay"]):
    def visible_to(self, user: Any) -> StatementDayQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class StatementDay(models.Model):
    """One an issuer: payments that the bank booked through this day are entered. Without one, none are known to be."""

    issuer = models.OneToOneField(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="statement_day"
    )
    through = models.DateField(_("looked through up to"))
    noted_at = models.DateTimeField(_("at"), default=clock.now, editable=False)
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = StatementDayQuerySet.as_manager()

    class Meta:
        verbose_name = _("bank statements looked through")
        verbose_name_plural = _("bank statements looked through")
        ordering = ["issuer"]

    def __str__(self) -> str:
        return f"{self.issuer} {day_text(self.through)}"
