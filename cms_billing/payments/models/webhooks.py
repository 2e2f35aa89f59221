"""What providers told us."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.core.models import OutsideWork
from cms_billing.faktura.models import Issuer

from .accounts import ProviderAccount


class WebhookEventQuerySet(models.QuerySet["WebhookEvent"]):
    def visible_to(self, user: Any) -> WebhookEventQuerySet:
        """Those of the user's issuers; what came for a provider without accounts is for superusers."""
        if user.is_active and user.is_superuser:
            return self
        return self.filter(account__issuer__in=Issuer.objects.visible_to(user))


class WebhookEvent(OutsideWork):
    """A webhook as it came: stored raw, verified, processed once from this row by fetching the object."""

    provider = models.CharField(_("provider"), max_length=40)
    account = models.ForeignKey(
        ProviderAccount,
        verbose_name=_("account at the provider"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="webhook_events",
    )
    body = models.BinaryField()
    digest = models.CharField(
        max_length=64, help_text=_("SHA-256 of the body: repeated while it waits, it stays one row.")
    )
    references = models.JSONField(default=list)
    received_at = models.DateTimeField(_("received at"), default=clock.now)
    # How many of our payments, refunds and pages it brought news of; None: not worked on yet. 0: nothing of ours.
    concerned = models.PositiveIntegerField(_("concerned"), null=True, blank=True, editable=False)

    objects = WebhookEventQuerySet.as_manager()

    class Meta(OutsideWork.Meta):
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        indexes = [
            *OutsideWork.Meta.indexes,
            models.Index(fields=["digest"], condition=Q(work_state="pending"), name="webhook_waiting"),
            models.Index(fields=["account", "-id"], name="webhook_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.received_at:%Y-%m-%d %H:%M:%S}"

    @property
    def is_somebody_elses(self) -> bool:
        """Worked on, and nothing that it speaks of is ours."""
        return self.work_state == self.WorkState.DONE and self.concerned == 0


class WebhookReference(models.Model):
    """One thing an event speaks of, to find all that was told of it: some providers cannot be asked."""

    event = models.ForeignKey(WebhookEvent, on_delete=models.CASCADE, related_name="named")
    reference = models.CharField(_("provider's reference"), max_length=120)

    class Meta:
        verbose_name = _("reference of a webhook event")
        verbose_name_plural = _("references of webhook events")
        constraints = [
            models.UniqueConstraint(fields=["reference", "event"], name="an_event_names_a_reference_once")
        ]

    def __str__(self) -> str:
        return self.reference
