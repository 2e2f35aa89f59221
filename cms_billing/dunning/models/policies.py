"""What an issuer decides about dunning beyond its procedures."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from cms_billing.core.money import money_of
from cms_billing.faktura.models import Issuer


class DunningPolicyQuerySet(models.QuerySet["DunningPolicy"]):
    def visible_to(self, user: Any) -> DunningPolicyQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class DunningPolicy(models.Model):
    """One an issuer; where there is none its defaults hold: one pair of eyes, nothing offered, released by hand."""

    issuer = models.OneToOneField(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="dunning_policy"
    )
    four_eyes = models.BooleanField(
        _("blocks want a second person"),
        default=False,
        help_text=_("A dunning block stands once somebody else has approved it. Disputes stand at once."),
    )
    promise_days = models.PositiveSmallIntegerField(
        _("members may promise to pay within (days)"), default=0, help_text=_("0: not offered.")
    )
    deferral_days = models.PositiveSmallIntegerField(
        _("members may put off payment for (days)"),
        default=0,
        help_text=_("Until then nothing is asked for or charged, and content is open. 0: not offered."),
    )
    instalments_max = models.PositiveSmallIntegerField(
        _("members may pay in (instalments)"), default=0, help_text=_("At most, monthly. 0: not offered.")
    )
    instalment_min_minor = models.BigIntegerField(_("smallest instalment (minor units)"), default=2500)
    instalments_up_to_minor = models.BigIntegerField(
        _("instalments are offered up to (minor units)"), default=100000
    )
    grace_days = models.PositiveSmallIntegerField(
        _("days of grace"), default=3, help_text=_("Before an agreement counts as broken.")
    )
    release_collection = models.BooleanField(
        _("a person releases what goes to the agency"),
        default=True,
        help_text=_("Unticked: cases go alone after the last letter's date to pay by."),
    )

    instalment_min = money_of("instalment_min_minor", "currency")
    instalments_up_to = money_of("instalments_up_to_minor", "currency")

    objects = DunningPolicyQuerySet.as_manager()

    class Meta:
        verbose_name = _("dunning policy")
        verbose_name_plural = _("dunning policies")
        ordering = ["issuer"]

    def __str__(self) -> str:
        return str(self.issuer)

    @property
    def currency(self) -> str:
        return self.issuer.currency
