"""The mail that thanks for a payment somebody had to be reminded of."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cms_billing.core import clock
from cms_billing.core.models import OutsideWork
from cms_billing.faktura.models import Customer

from .cases import Case


class ThankYou(OutsideWork):
    """One a customer and day, for everything they have paid on it. ``opened``: it locked something until then."""

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="dunning_thanks"
    )
    day = models.DateField(_("day"))
    cases = models.ManyToManyField(Case, verbose_name=_("cases"), related_name="thanks")
    opened = models.BooleanField(_("opened access"), default=False)
    to = models.EmailField(pgettext_lazy("e-mail", "to"))
    # The mail as it was sent; empty where there was nothing left to say by then.
    subject = models.CharField(_("subject"), max_length=255, blank=True)
    body = models.TextField(_("text"), blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    class Meta(OutsideWork.Meta):
        verbose_name = _("thanks for a payment")
        verbose_name_plural = _("thanks for payments")
        constraints = [
            models.UniqueConstraint(fields=["customer", "day"], name="a_customer_is_thanked_once_a_day")
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} → {self.to}"
