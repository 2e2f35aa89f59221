"""What editors decide about refused charges, and where each document stands with them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.faktura.models import Document, Issuer

from ..refusal_codes import RefusalClass
from ..refusals import CLASS_LABELS, Overruling, Refusal, refusal_of
from ..retries import Policy, RetryTerms, Stop
from .methods import PaymentMethod

REFUSAL_CLASSES = [
    (kind.value, CLASS_LABELS[kind]) for kind in RefusalClass if kind is not RefusalClass.UNKNOWN
]


class RefusalRule(models.Model):
    """What an editor knows better about a provider's code. It belongs to no issuer: a code means the same for all."""

    provider = models.CharField(_("provider"), max_length=40)
    code = models.CharField(
        _("code"), max_length=80, help_text=_("As the provider writes it, such as “insufficient_funds”.")
    )
    refusal_class = models.CharField(_("what may be done"), max_length=12, choices=REFUSAL_CLASSES)
    valid_from = models.DateField(_("valid from"))
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("refusal rule")
        verbose_name_plural = _("refusal rules")
        ordering = ["provider", "code", "-valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "code", "valid_from"], name="one_rule_per_refusal_code_and_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.code}"

    def as_value(self) -> Overruling:
        return Overruling(self.provider, self.code, RefusalClass(self.refusal_class), self.valid_from)


def validate_waits(text: str) -> None:
    """Days with commas, such as "3,5,7"; each from 1 to 90."""
    try:
        waits = waits_of(text)
    except ValueError:
        waits = ()
    if not waits or not all(1 <= wait <= 90 for wait in waits):
        raise ValidationError(_("Write numbers of days from 1 to 90 with commas, such as 3,5,7."))


def waits_of(text: str) -> tuple[int, ...]:
    """Raises ValueError."""
    return tuple(int(part) for part in text.split(","))


_TAKEN = _("There is a policy for this from the same day on already.")


class RetryPolicyQuerySet(models.QuerySet["RetryPolicy"]):
    def visible_to(self, user: Any) -> RetryPolicyQuerySet:
        """Those of the user's issuers; superusers also see those for all issuers."""
        if user.is_active and user.is_superuser:
            return self
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class RetryPolicy(models.Model):
    """When refused charges are tried again, from a day on. Where none fits, the shipped terms hold."""

    issuer = models.ForeignKey(
        Issuer,
        verbose_name=_("issuer"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="retry_policies",
        help_text=_("Empty: for all issuers."),
    )
    provider = models.CharField(_("provider"), max_length=40, blank=True, help_text=_("Empty: for all."))
    kind = models.CharField(
        _("kind of method"),
        max_length=12,
        choices=PaymentMethod.Kind.choices,
        blank=True,
        help_text=_("Empty: for all."),
    )
    valid_from = models.DateField(_("valid from"))
    waits = models.CharField(
        _("days until each further attempt"),
        max_length=80,
        default="3,5,7",
        validators=[validate_waits],
        help_text=_("With commas, each counted from the refusal before; the last one repeats."),
    )
    attempts = models.PositiveSmallIntegerField(
        _("attempts in all"),
        default=4,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text=_("With the first one."),
    )
    window_days = models.PositiveSmallIntegerField(
        _("days from the first to the last attempt"),
        default=21,
        validators=[MinValueValidator(1), MaxValueValidator(180)],
    )
    gap_hours = models.PositiveSmallIntegerField(
        _("hours between two attempts, at least"),
        default=24,
        validators=[MinValueValidator(24), MaxValueValidator(24 * 30)],
    )
    cap = models.PositiveSmallIntegerField(
        _("refusals of one card or account, at most"),
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text=_("Of all documents together. Visa allows 20 in 30 days, Mastercard fines more than 35."),
    )
    cap_days = models.PositiveSmallIntegerField(
        _("in so many days"), default=30, validators=[MinValueValidator(1), MaxValueValidator(180)]
    )
    clearing_days = models.PositiveSmallIntegerField(
        _("days until a direct debit is certain"),
        default=0,
        validators=[MaxValueValidator(60)],
        help_text=_("Nothing is tried again before these are over. 5 for SEPA direct debits."),
    )
    avoids_weekends = models.BooleanField(_("not at weekends"), default=True)
    retries_unknown = models.BooleanField(_("try again where the code is not known"), default=True)
    after_chargeback = models.BooleanField(
        _("try again after a chargeback"),
        default=False,
        help_text=_("Where the bank's reason may pass, such as not enough money."),
    )

    objects = RetryPolicyQuerySet.as_manager()

    class Meta:
        verbose_name = _("retry policy")
        verbose_name_plural = _("retry policies")
        ordering = ["issuer", "provider", "kind", "-valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "provider", "kind", "valid_from"],
                name="one_retry_policy_per_scope_and_day",
                violation_error_message=_TAKEN,
            ),
            models.UniqueConstraint(
                fields=["provider", "kind", "valid_from"],
                condition=Q(issuer__isnull=True),
                name="one_retry_policy_for_all_issuers_per_day",
                violation_error_message=_TAKEN,
            ),
        ]

    def __str__(self) -> str:
        parts = [self.provider, self.get_kind_display() if self.kind else ""]
        return " ".join(filter(None, parts)) or str(_("all charges"))

    def terms(self) -> RetryTerms:
        return RetryTerms(
            waits=waits_of(self.waits),
            attempts=self.attempts,
            window=self.window_days,
            gap=timedelta(hours=self.gap_hours),
            cap=self.cap,
            cap_days=self.cap_days,
            clearing=self.clearing_days,
            avoids_weekends=self.avoids_weekends,
            retries_unknown=self.retries_unknown,
            after_chargeback=self.after_chargeback,
        )

    def as_value(self) -> Policy:
        return Policy(self.issuer_id, self.provider, self.kind, self.valid_from, self.terms())


STOP_LABELS = {
    Stop.HARD: _("this card or account is never charged again"),
    Stop.NEEDS_MEMBER: _("the member has to do something"),
    Stop.UNKNOWN: _("the reason of the refusal is not known"),
    Stop.ALL_ATTEMPTS: _("all attempts have been made"),
    Stop.WINDOW: _("the time for attempts is over"),
    Stop.CHARGED_BACK: _("the payment was charged back"),
}


class ChargePlanQuerySet(models.QuerySet["ChargePlan"]):
    def visible_to(self, user: Any) -> ChargePlanQuerySet:
        return self.filter(document__issuer__in=Issuer.objects.visible_to(user))


class ChargePlan(models.Model):
    """Where a document stands whose charge was refused: the day of the next attempt, or why there is none.

    Written with the refusal, in its transaction. A new round begins when the customer stores a new payment method.
    """

    document = models.OneToOneField(
        Document, primary_key=True, on_delete=models.PROTECT, related_name="charge_plan"
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    # Charges made before belong to an earlier round.
    round_since = models.DateTimeField(null=True, blank=True, editable=False)
    next_on = models.DateField(_("next attempt"), null=True, blank=True)
    stopped_because = models.CharField(
        _("no further attempt because"),
        max_length=12,
        blank=True,
        choices=[(stop.value, label) for stop, label in STOP_LABELS.items()],
    )
    # The latest refusal as the provider told it, and what we took it for.
    provider = models.CharField(_("provider"), max_length=40, blank=True)
    refusal_code = models.CharField(_("refusal code"), max_length=80, blank=True)
    refusal_advice = models.CharField(max_length=80, blank=True)
    refusal_class = models.CharField(
        _("refusal"),
        max_length=12,
        blank=True,
        choices=[(kind.value, label) for kind, label in CLASS_LABELS.items()],
    )
    refused_on = models.DateField(_("refused on"), null=True, blank=True)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    objects = ChargePlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("charge plan")
        verbose_name_plural = _("charge plans")
        constraints = [
            models.CheckConstraint(
                condition=Q(next_on__isnull=False, stopped_because="")
                | (Q(next_on__isnull=True) & ~Q(stopped_because="")),
                name="a_charge_plan_goes_on_or_says_why_not",
            )
        ]

    def __str__(self) -> str:
        return str(self.document)

    @property
    def refusal(self) -> Refusal:
        """Why the latest charge was refused, in words."""
        return refusal_of(self.provider, self.refusal_code, self.refusal_advice)
