"""Accounts at providers, and what a provider calls the people who pay there. Secrets are not kept here."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cms_billing.core import clock
from cms_billing.faktura.models import Issuer


class ProviderAccountQuerySet(models.QuerySet["ProviderAccount"]):
    def visible_to(self, user: Any) -> ProviderAccountQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))

    def active(self) -> ProviderAccountQuerySet:
        return self.filter(is_active=True)


class ProviderAccount(models.Model):
    """An issuer's account at a payment provider. An issuer may have several, also at one provider.

    Keys and signing secrets come from the settings or the environment, found by ``provider`` and ``slug``; see
    ``payments.credentials``.
    """

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="provider_accounts"
    )
    provider = models.CharField(_("provider"), max_length=40)
    slug = models.SlugField(
        _("short name"),
        max_length=40,
        help_text=_("Part of the webhook address and of the names of the secrets, such as “main”."),
    )
    title = models.CharField(
        _("title"), max_length=80, blank=True, help_text=_("What buyers see, such as “Card or direct debit”.")
    )
    is_active = models.BooleanField(_("active"), default=True)
    is_live = models.BooleanField(
        pgettext_lazy("real money", "live"),
        default=False,
        help_text=_("Real money. Without it only test keys are accepted."),
    )
    merchant_account = models.CharField(
        _("merchant account"), max_length=80, blank=True, help_text=_("Adyen only.")
    )
    endpoint_prefix = models.CharField(
        _("live endpoint prefix"), max_length=120, blank=True, help_text=_("Adyen only, for live accounts.")
    )
    # Kinds of methods (``PaymentMethod.Kind`` and the provider's first methods); empty: all the provider offers.
    kinds = models.JSONField(_("methods offered"), default=list, blank=True)
    chargeback_fee_minor = models.PositiveIntegerField(
        _("fee for a returned payment (minor units)"),
        default=0,
        help_text=_(
            "Charged to the customer when a payment comes back; no more than the bank or provider takes."
        ),
    )
    requests_per_second = models.PositiveSmallIntegerField(
        _("requests a second"),
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(500)],
        help_text=_("The most that is asked of the provider; see its rate limits."),
    )
    problem = models.TextField(_("problem"), blank=True, editable=False)
    problem_at = models.DateTimeField(null=True, blank=True, editable=False)
    checked_at = models.DateTimeField(_("connection tested"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    objects = ProviderAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("account at a provider")
        verbose_name_plural = _("accounts at providers")
        ordering = ["issuer", "provider", "slug"]
        permissions = [("ask_provider", _("Can ask payment providers again"))]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "slug"], name="an_account_has_its_own_webhook_address"
            )
        ]

    def __str__(self) -> str:
        return self.title or f"{self.provider}/{self.slug}"


class Payer(models.Model):
    """A person as one account at a provider knows them. ``key`` is what we call them there: it says nothing of them."""

    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="payers")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # What the provider calls them (cus_…, cst_…); empty until it knows them.
    reference = models.CharField(_("provider's reference"), max_length=120, blank=True)
    # When the provider was asked for the payer's methods: older news never undo newer ones.
    methods_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    class Meta:
        verbose_name = _("payer")
        verbose_name_plural = _("payers")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "user"],
                condition=models.Q(user__isnull=False),
                name="a_user_is_one_payer_of_an_account",
            ),
            models.UniqueConstraint(
                fields=["account", "reference"],
                condition=~models.Q(reference=""),
                name="a_payer_is_known_once",
            ),
        ]

    def __str__(self) -> str:
        return self.reference or self.name_at_provider

    @property
    def name_at_provider(self) -> str:
        """What we call them there, where the provider lets us: letters, digits and hyphens, no personal data."""
        return f"m-{self.key}"
