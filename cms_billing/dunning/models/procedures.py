"""How an issuer reminds: procedures with their levels and texts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from modelcluster.fields import ParentalKey
from modelcluster.models import ClusterableModel
from wagtail.models import PreviewableMixin

from cms_billing.core import clock
from cms_billing.core.money import money_of
from cms_billing.faktura.models import Channel, Issuer
from cms_billing.faktura.models.parties import LANGUAGES

from .. import courtesy, texts

HIGHEST_LEVEL = 3


class LockScope(models.TextChoices):
    """What stays closed while a claim is unpaid. Paid periods, finished courses, portal and payment page never do."""

    NOTHING = "", _("nothing")
    CONTRACT = "contract", _("the unpaid contract")
    CUSTOMER = "customer", _("all contracts of the customer")


class DefaultFrom(models.TextChoices):
    """From which day the debtor is in default (Verzug, § 286 BGB)."""

    FIRST_LETTER = "first_letter", _("the first reminder")
    THIRTY_DAYS = "thirty_days", _("the first reminder, or 30 days after the due date if that is earlier")
    DUE_DATE = "due_date", _("the due date, where contract or law fix it by the calendar")


class ChargesLeft(models.TextChoices):
    """What becomes of charges that are still open when the claim itself is covered."""

    CLAIM = "claim", _("go on claiming them")
    KEEP = "keep", _("leave them on the account, without further letters")
    WAIVE = "waive", _("waive them")


class ProcedureQuerySet(models.QuerySet["Procedure"]):
    def visible_to(self, user: Any) -> ProcedureQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class Procedure(PreviewableMixin, ClusterableModel):
    """The levels an overdue claim goes through (Mahnverfahren). The one for a customer's kind wins over “all”."""

    class CustomerKind(models.TextChoices):
        ALL = "all", _("all customers")
        CONSUMER = "consumer", _("consumers")
        BUSINESS = "business", _("businesses")

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="dunning_procedures"
    )
    name = models.CharField(_("name"), max_length=80)
    customer_kind = models.CharField(
        _("for"), max_length=8, choices=CustomerKind.choices, default=CustomerKind.ALL
    )
    is_active = models.BooleanField(_("in use"), default=True)

    minimum_minor = models.BigIntegerField(
        _("minimum amount (minor units)"),
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("Who owes less than this in all gets no letter."),
    )
    failure_level = models.PositiveSmallIntegerField(
        _("a failed payment starts at level"),
        null=True,
        blank=True,
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(HIGHEST_LEVEL)],
        help_text=_("Once no further attempt is planned. Empty: only the due date starts a case."),
    )
    chargeback_level = models.PositiveSmallIntegerField(
        _("a chargeback starts at level"),
        null=True,
        blank=True,
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(HIGHEST_LEVEL)],
        help_text=_("For claims that were not reminded before. Empty: only the due date starts a case."),
    )
    wait_for_statement = models.BooleanField(
        _("wait for the bank statement"),
        default=False,
        help_text=_("No letter before the statement of the day before has been looked through."),
    )
    avoid_weekends = models.BooleanField(_("not at weekends"), default=False)
    holidays = models.CharField(
        _("not on holidays of"),
        max_length=8,
        blank=True,
        help_text=_("Country, or country and state, such as DE or DE-NW. Empty: holidays do not matter."),
    )
    interest_points = models.DecimalField(
        _("interest: points above the base rate"),
        max_digits=4,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_(
            "5 where a consumer is involved, 9 for payments between businesses (§ 288 BGB). Empty: no interest."
        ),
    )
    default_from = models.CharField(
        _("in default from"), max_length=12, choices=DefaultFrom.choices, default=DefaultFrom.FIRST_LETTER
    )
    flat_minor = models.BigIntegerField(
        _("flat compensation (minor units)"),
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("Once a claim, from debtors who are no consumers: 40 EUR (§ 288 (5) BGB)."),
    )
    charges_left = models.CharField(
        _("fees and interest that are left when the claim itself is paid"),
        max_length=5,
        choices=ChargesLeft.choices,
        default=ChargesLeft.WAIVE,
    )

    minimum = money_of("minimum_minor", "currency")
    flat = money_of("flat_minor", "currency")

    objects = ProcedureQuerySet.as_manager()

    # Wagtail's preview panel; what it shows is made by ``viewsets.procedure_preview``.
    preview_modes = [
        *(
            (f"{number}-mail", _("Level %(n)s as mail") % {"n": number})
            for number in range(1, HIGHEST_LEVEL + 1)
        ),
        *(
            (f"{number}-pdf", _("Level %(n)s as PDF") % {"n": number})
            for number in range(1, HIGHEST_LEVEL + 1)
        ),
    ]

    class Meta:
        verbose_name = _("dunning procedure")
        verbose_name_plural = _("dunning procedures")
        ordering = ["issuer", "customer_kind", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "customer_kind"],
                condition=Q(is_active=True),
                name="one_active_procedure_per_issuer_and_kind",
                violation_error_message=_(
                    "There is a procedure in use for these customers already. Take that one out of use first."
                ),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.holidays = self.holidays.strip().upper()
        if self.holidays:
            try:
                courtesy.holidays_of(self.holidays, clock.now().year)
            except courtesy.UnknownRegion as unknown:
                raise ValidationError(
                    {
                        "holidays": _("No holidays are known for “%(region)s”: write DE or DE-NW.")
                        % {"region": self.holidays}
                    }
                ) from unknown

    @property
    def currency(self) -> str:
        return self.issuer.currency


class ProcedureVersion(models.Model):
    """A procedure as it was when letters were written from it: what a case's steps refer to. Never changed."""

    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    content = models.JSONField(_("content"))
    digest = models.CharField(_("digest"), max_length=64)
    created_at = models.DateTimeField(_("from"), default=clock.now)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = _("version of a procedure")
        verbose_name_plural = _("versions of procedures")
        ordering = ["procedure", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["procedure", "number"], name="one_version_per_procedure_and_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.procedure} · {self.number}"


class Level(ClusterableModel):
    """One letter of a procedure: when it goes out, how long it gives, what it costs, whether it locks.

    ``days_after`` counts from the due date at level 1 and from the letter before at the others. The level that locks
    is never the first: the letter before it has announced the lock (§§ 273, 320 BGB ask for proportion).
    """

    procedure = ParentalKey(Procedure, on_delete=models.CASCADE, related_name="levels")
    number = models.PositiveSmallIntegerField(
        _("level"), validators=[MinValueValidator(1), MaxValueValidator(HIGHEST_LEVEL)]
    )
    days_after = models.PositiveSmallIntegerField(
        _("days after"),
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text=_("Level 1: since the due date. Later levels: since the letter before."),
    )
    days_to_pay = models.PositiveSmallIntegerField(
        _("days to pay"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text=_("The date the letter asks to pay by, counted from the letter."),
    )
    fee_minor = models.BigIntegerField(
        _("fee (minor units)"),
        default=0,
        validators=[MinValueValidator(0)],
    )
    lock_scope = models.CharField(
        _("locks"),
        max_length=8,
        choices=LockScope.choices,
        default=LockScope.NOTHING,
        blank=True,
        help_text=_("From this level on. The letter before has to announce it."),
    )
    channel = models.CharField(_("sent by"), max_length=8, choices=Channel.choices, default=Channel.MAIL_PDF)
    claims_interest = models.BooleanField(_("claims interest"), default=False)
    claims_flat = models.BooleanField(_("claims the flat compensation"), default=False)
    attach_invoices = models.BooleanField(_("attaches the invoices again"), default=False)

    class Meta:
        verbose_name = _("level")
        verbose_name_plural = _("levels")
        ordering = ["procedure", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["procedure", "number"], name="one_level_per_procedure_and_number"
            ),
            models.CheckConstraint(
                condition=Q(number__gte=1, number__lte=HIGHEST_LEVEL), name="levels_go_from_one_to_three"
            ),
            models.CheckConstraint(condition=Q(fee_minor__gte=0), name="a_dunning_fee_is_not_negative"),
            models.CheckConstraint(
                condition=~Q(number=1) | Q(lock_scope=""),
                name="the_first_level_locks_nothing",
                violation_error_message=_(
                    "The first reminder cannot lock: a lock has to be announced in the letter before."
                ),
            ),
        ]

    def __str__(self) -> str:
        return str(_("Level %(number)s") % {"number": self.number})

    @property
    def locks(self) -> bool:
        return self.lock_scope != LockScope.NOTHING


class LevelText(models.Model):
    """What a level's letter says in one language."""

    level = ParentalKey(Level, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(_("language"), max_length=8, choices=LANGUAGES, default="de")
    subject = models.CharField(_("subject"), max_length=200)
    body = models.TextField(
        _("text"),
        help_text=_(
            "Without a closing: the claims, how to pay, “Kind regards” and your company follow by themselves. "
            "Placeholders: {name}, {customer_number}, {documents}, {total}, {principal}, {fee}, {fees}, {interest}, "
            "{flat}, {pay_until}, {lock}, {issuer}. A line with {fees}, {interest}, {flat} or {lock} is left out where "
            "there is nothing to say."
        ),
    )

    class Meta:
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        ordering = ["level", "language"]
        constraints = [
            models.UniqueConstraint(fields=["level", "language"], name="one_text_per_level_and_language")
        ]

    def __str__(self) -> str:
        return f"{self.get_language_display()}: {self.subject}"

    def clean(self) -> None:
        wrong = {
            field: _("There is no placeholder %(names)s.") % {"names": ", ".join(unknown)}
            for field in ("subject", "body")
            if (unknown := texts.unknown_placeholders(getattr(self, field)))
        }
        if wrong:
            raise ValidationError(wrong)
