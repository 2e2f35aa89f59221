"""Mails to members about their payments: one row a mail, written with what it tells of."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cms_billing.core import clock
from cms_billing.core.models import OutsideWork
from cms_billing.faktura.models import Customer, Issuer, NoticeKind

from .methods import PaymentMethod
from .payments import Payment


class MemberNoticeQuerySet(models.QuerySet["MemberNotice"]):
    def visible_to(self, user: Any) -> MemberNoticeQuerySet:
        return self.filter(customer__issuer__in=Issuer.objects.visible_to(user))


class MemberNotice(OutsideWork):
    """One mail to a member: a charge that they have to do something about, or a card that expires.

    Never two for one refusal, nor for one date of expiry of a card.
    """

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="payment_notices"
    )
    kind = models.CharField(_("kind"), max_length=20, choices=NoticeKind.choices)
    payment = models.OneToOneField(
        Payment,
        verbose_name=_("payment"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="notice",
    )
    method = models.ForeignKey(
        PaymentMethod,
        verbose_name=_("payment method"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="notices",
    )
    expires_on = models.DateField(_("expires on"), null=True, blank=True)
    to = models.EmailField(pgettext_lazy("e-mail", "to"))
    # The mail as it was sent; empty where there was nothing left to say by then.
    subject = models.CharField(_("subject"), max_length=255, blank=True)
    body = models.TextField(_("text"), blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    objects = MemberNoticeQuerySet.as_manager()

    class Meta(OutsideWork.Meta):
        verbose_name = _("notice to a member")
        verbose_name_plural = _("notices to members")
        constraints = [
            models.UniqueConstraint(
                fields=["method", "expires_on"],
                condition=Q(kind="card_expires"),
                name="a_card_is_announced_to_expire_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} → {self.to}"
