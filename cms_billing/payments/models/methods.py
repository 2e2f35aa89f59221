"""Cards and mandates that a provider keeps for a customer."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cms_billing.core import clock
from cms_billing.core.models import OutsideWork
from cms_billing.faktura.models import Customer, Issuer

from .accounts import Payer, ProviderAccount


class PaymentMethodQuerySet(models.QuerySet["PaymentMethod"]):
    def visible_to(self, user: Any) -> PaymentMethodQuerySet:
        return self.filter(customer__issuer__in=Issuer.objects.visible_to(user))

    def of_user(self, user: Any) -> PaymentMethodQuerySet:
        return self.filter(customer__user_id=user.pk) if user.is_authenticated else self.none()

    def usable(self) -> PaymentMethodQuerySet:
        return self.filter(state=PaymentMethod.State.USABLE)


class PaymentMethod(models.Model):
    """A stored way to collect from a customer: a card or mandate kept by the provider, known here by its token."""

    class State(models.TextChoices):
        USABLE = "usable", _("usable")
        REVOKED = "revoked", _("revoked")

    class Kind(models.TextChoices):
        CARD = "card", _("card")
        SEPA_DEBIT = "sepa_debit", _("SEPA direct debit")
        PAYPAL = "paypal", _("PayPal")
        OTHER = "other", _("other")

    class RevokedBy(models.TextChoices):
        """Who ended it. Only what the provider ended may come back to life by the provider's word."""

        NOBODY = "", _("nobody")
        MEMBER = "member", _("the member")
        REPLACED = "replaced", _("a newer one")
        PROVIDER = "provider", _("the provider")
        REFUSAL = "refusal", _("a refusal for good")

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="payment_methods"
    )
    provider = models.CharField(_("provider"), max_length=40)
    account = models.ForeignKey(
        ProviderAccount,
        verbose_name=_("account at the provider"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="payment_methods",
    )
    payer = models.ForeignKey(
        Payer, null=True, blank=True, on_delete=models.PROTECT, related_name="payment_methods"
    )
    reference = models.CharField(_("provider's reference"), max_length=120)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.OTHER)
    mandate_reference = models.CharField(_("mandate reference"), max_length=120, blank=True)
    # The provider's mark of the card or bank account itself, alike for all tokens of it; caps are counted by it.
    fingerprint = models.CharField(max_length=120, blank=True, editable=False)
    expires_on = models.DateField(
        _("expires on"), null=True, blank=True, help_text=_("The last day a card can be charged.")
    )
    label = models.CharField(
        _("description"), max_length=80, blank=True, help_text=_("Such as “Visa •••• 4242”.")
    )
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.USABLE)
    state_reason = models.CharField(_("reason"), max_length=200, blank=True)
    revoked_by = models.CharField(
        _("ended by"), max_length=8, choices=RevokedBy.choices, blank=True, default=RevokedBy.NOBODY
    )
    revoked_at = models.DateTimeField(pgettext_lazy("date", "ended"), null=True, blank=True, editable=False)
    is_default = models.BooleanField(_("default"), default=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    objects = PaymentMethodQuerySet.as_manager()

    class Meta:
        verbose_name = _("payment method")
        verbose_name_plural = _("payment methods")
        permissions = [("sync_paymentmethod", _("Can ask providers about payment methods"))]
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(is_default=True, state="usable"),
                name="one_default_payment_method_per_customer",
            ),
            models.UniqueConstraint(
                fields=["customer", "provider", "reference"],
                condition=Q(state="usable", account__isnull=False),
                name="a_payment_method_is_stored_once",
            ),
        ]
        indexes = [
            models.Index(fields=["provider", "reference"], name="payment_method_by_reference"),
            models.Index(
                fields=["fingerprint"], condition=~Q(fingerprint=""), name="payment_method_by_fingerprint"
            ),
        ]

    def __str__(self) -> str:
        return self.label or f"{self.provider} {self.reference}"


class MethodRemoval(OutsideWork):
    """A method that the provider has to forget, because it is not used any more. The method's row stays."""

    method = models.OneToOneField(PaymentMethod, on_delete=models.PROTECT, related_name="removal")
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    class Meta(OutsideWork.Meta):
        verbose_name = _("removal of a payment method")
        verbose_name_plural = _("removals of payment methods")

    def __str__(self) -> str:
        return str(self.method)
