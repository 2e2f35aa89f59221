"""Leak checks that were started in the admin, with what they found."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.core.models import OutsideWork
from cms_billing.core.texts import day_text


class LeakCheckRun(OutsideWork):
    """A check of this site. A worker does it in slices; ``asked`` says how far it is and where the next goes on."""

    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    started_at = models.DateTimeField(_("started"), default=clock.now)
    section = models.ForeignKey(
        "wagtailcore.Page",
        verbose_name=_("section"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Only this page and what is below it. Empty: the whole site."),
    )
    pages = models.PositiveIntegerField(
        _("pages at most"),
        null=True,
        blank=True,
        help_text=_("As many closed and as many open pages, spread evenly. Empty: all."),
    )
    asked = models.PositiveIntegerField(_("requests"), default=0)
    total = models.PositiveIntegerField(_("requests in all"), default=0)
    closed_pages = models.PositiveIntegerField(_("closed pages"), default=0)
    leaks = models.PositiveIntegerField(_("leaks"), default=0)
    warnings = models.PositiveIntegerField(_("warnings"), default=0)
    # As ``leakcheck.findings.Finding`` says them; the first ones, all are counted.
    findings = models.JSONField(_("findings"), default=list, blank=True)

    objects: models.Manager[LeakCheckRun] = models.Manager()

    class Meta(OutsideWork.Meta):
        verbose_name = _("leak check")
        verbose_name_plural = _("leak checks")
        ordering = ["-started_at", "-id"]
        permissions = [("start_leakcheckrun", _("Can start leak checks"))]

    def __str__(self) -> str:
        return str(_("Check of %(day)s") % {"day": day_text(clock.local_day(self.started_at))})

    @property
    def is_over(self) -> bool:
        return self.work_state in (self.WorkState.DONE, self.WorkState.FAILED)
