"""What a person decided stands against letters: blocks and disputes."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.faktura.models import Customer, Document, Issuer


class HoldQuerySet(models.QuerySet["Hold"]):
    def holding_on(self, day: date) -> HoldQuerySet:
        return self.filter(Q(until=None) | Q(until__gte=day), state=Hold.State.STANDING)

    def waiting(self) -> HoldQuerySet:
        return self.filter(state=Hold.State.WAITING)

    def of_document(self, document: Document) -> HoldQuerySet:
        """Those that concern it: its own, its contracts' and its customer's."""
        contracts = document.lines.exclude(contract_reference="").values("contract_reference")
        scope = (
            Q(document=document)
            | Q(document=None, contract_reference="")
            | Q(contract_reference__in=contracts)
        )
        return self.filter(scope, customer=document.customer_id)

    def visible_to(self, user: Any) -> HoldQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class Hold(models.Model):
    """No letters for a customer, one of their contracts or one document (Mahnsperre), or a claim that is disputed.

    Through ``until``, or until it is lifted. Where the issuer wants a second pair of eyes it waits for another person
    before it stands.
    """

    class Kind(models.TextChoices):
        BLOCK = "block", _("dunning block")
        DISPUTE = "dispute", _("dispute")

    class State(models.TextChoices):
        WAITING = "waiting", _("waits for a second person")
        STANDING = "standing", _("stands")
        LIFTED = "lifted", _("lifted")
        REFUSED = "refused", _("refused")
        EXPIRED = "expired", _("over")

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="dunning_holds"
    )
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="dunning_holds"
    )
    contract_reference = models.CharField(_("only this contract"), max_length=64, blank=True)
    document = models.ForeignKey(
        Document,
        verbose_name=pgettext_lazy("billing", "only this document"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="dunning_holds",
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.BLOCK)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.STANDING)
    reason = models.CharField(_("reason"), max_length=200)
    until = models.DateField(_("until"), null=True, blank=True, help_text=_("Empty: no end."))
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    note = models.CharField(_("why lifted or refused"), max_length=200, blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        verbose_name = _("dunning block")
        verbose_name_plural = _("dunning blocks")
        ordering = ["-id"]
        permissions = [("decide_hold", _("Can set, approve and lift dunning blocks"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(contract_reference="") | Q(document=None),
                name="a_hold_is_for_a_contract_or_a_document",
            ),
        ]
        indexes = [
            models.Index(fields=["customer"], condition=Q(state="standing"), name="dunning_hold_standing")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.customer}"

    @property
    def scope_text(self) -> str:
        """What it is for, in words."""
        if self.document is not None:
            return self.document.number
        return self.contract_reference or gettext("all documents of the customer")
