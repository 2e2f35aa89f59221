"""How an issuer reminds, and every overdue claim on its way through the levels."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from modelcluster.fields import ParentalKey
from modelcluster.models import ClusterableModel

from cms_billing.core import clock
from cms_billing.core.money import Money
from cms_billing.faktura.models import Customer, Document, Issuer
from cms_billing.faktura.models.parties import LANGUAGES

from . import texts

HIGHEST_LEVEL = 3


class ProcedureQuerySet(models.QuerySet["Procedure"]):
    def visible_to(self, user: Any) -> ProcedureQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class Procedure(ClusterableModel):
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

    objects = ProcedureQuerySet.as_manager()

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
    locks = models.BooleanField(
        _("locks the content"),
        default=False,
        help_text=_("From this level on what is unpaid is locked. The letter before has to announce it."),
    )

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
                condition=~Q(number=1, locks=True),
                name="the_first_level_locks_nothing",
                violation_error_message=_(
                    "The first reminder cannot lock: a lock has to be announced in the letter before."
                ),
            ),
        ]

    def __str__(self) -> str:
        return str(_("Level %(number)s") % {"number": self.number})


class LevelText(models.Model):
    """What a level's letter says in one language."""

    level = ParentalKey(Level, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(_("language"), max_length=8, choices=LANGUAGES, default="de")
    subject = models.CharField(_("subject"), max_length=200)
    body = models.TextField(
        _("text"),
        help_text=_(
            "Without a closing: the claims, how to pay, “Kind regards” and your company follow by themselves. "
            "Placeholders: {name}, {customer_number}, {documents}, {total}, {fee}, {pay_until}, {issuer}"
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


class CaseQuerySet(models.QuerySet["Case"]):
    def live(self) -> CaseQuerySet:
        """Not closed: the claim is on its way."""
        return self.exclude(state=Case.State.CLOSED)

    def standing(self) -> CaseQuerySet:
        """Live cases whose document is still owed. A payment counts from its own commit on, whatever became of the
        receiver that closes the case."""
        return self.live().filter(document__open_item__open_minor__gt=0)

    def locking(self) -> CaseQuerySet:
        return self.standing().filter(locked=True)

    def visible_to(self, user: Any) -> CaseQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))

    def of_user(self, user: Any) -> CaseQuerySet:
        return self.filter(customer__user_id=user.pk) if user.is_authenticated else self.none()


class Case(models.Model):
    """One overdue document on its way through the levels (Mahnfall).

    ``level`` is that of the last letter, 0 before the first. ``waiting_since`` is the day the days of the next level
    count from: the due date, the last letter, the day a payment came back or the case was resumed. ``locked`` is the
    standing the paywall asks for; whether it locks also depends on what is still owed (``CaseQuerySet.locking``).
    """

    class State(models.TextChoices):
        OPEN = "open", _("open")
        STOPPED = "stopped", _("stopped")
        READY_FOR_COLLECTION = "ready_for_collection", _("ready for collection")
        CLOSED = "closed", _("closed")

    class CloseReason(models.TextChoices):
        PAID = "paid", _("paid")
        CANCELLED = "cancelled", _("invoice cancelled")
        CREDITED = "credited", _("credited")
        WRITTEN_OFF = "written_off", _("written off")

    # Allowed steps; the services look here before they change anything.
    TRANSITIONS = {
        State.OPEN: {State.STOPPED, State.READY_FOR_COLLECTION, State.CLOSED},
        State.STOPPED: {State.OPEN, State.CLOSED},
        State.READY_FOR_COLLECTION: {State.OPEN, State.STOPPED, State.CLOSED},
        State.CLOSED: {State.OPEN},
    }

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="dunning_cases"
    )
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="dunning_cases"
    )
    document = models.ForeignKey(
        Document,
        verbose_name=pgettext_lazy("billing", "document"),
        on_delete=models.PROTECT,
        related_name="dunning_cases",
    )
    level = models.PositiveSmallIntegerField(_("level"), default=0)
    state = models.CharField(_("state"), max_length=24, choices=State.choices, default=State.OPEN)
    locked = models.BooleanField(_("locked"), default=False)
    opened_on = models.DateField(_("opened on"))
    waiting_since = models.DateField(_("waiting since"))
    last_letter_on = models.DateField(_("last letter"), null=True, blank=True)
    closed_on = models.DateField(_("closed on"), null=True, blank=True)
    close_reason = models.CharField(
        _("closed because"), max_length=12, choices=CloseReason.choices, blank=True
    )

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("dunning case")
        verbose_name_plural = _("dunning cases")
        ordering = ["-id"]
        permissions = [
            ("decide_case", _("Can stop, resume and advance dunning cases")),
            ("waive_fee", _("Can waive dunning fees")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["document"], condition=~Q(state="closed"), name="one_open_case_per_document"
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_on__isnull=False)
                | (~Q(state="closed") & Q(closed_on__isnull=True)),
                name="a_case_is_closed_on_a_day",
            ),
            models.CheckConstraint(
                condition=Q(locked=False) | Q(state__in=["open", "ready_for_collection"]),
                name="a_closed_or_stopped_case_locks_nothing",
            ),
            models.CheckConstraint(
                condition=Q(locked=False) | Q(level__gte=2), name="a_lock_was_announced_in_a_letter"
            ),
        ]
        indexes = [
            models.Index(fields=["issuer", "state", "-id"], name="dunning_case_list"),
            models.Index(fields=["customer"], condition=~Q(state="closed"), name="dunning_case_live"),
        ]

    def __str__(self) -> str:
        return f"{self.document.number} · {self.customer}"

    @property
    def open_amount(self) -> Money:
        return self.document.open_item.open_amount


class CaseStep(models.Model):
    """The timeline of a case: one row a step, written by the services, never changed."""

    class Kind(models.TextChoices):
        OPENED = "opened", _("opened")
        LETTER = "letter", _("letter")
        READY = "ready", _("ready for collection")
        CLOSED = "closed", _("closed")
        REOPENED = "reopened", _("reopened")
        STOPPED = "stopped", _("stopped")
        RESUMED = "resumed", _("resumed")
        FEE_WAIVED = "fee_waived", _("fee waived")
        BLOCKED = "blocked", _("customer blocked")
        UNBLOCKED = "unblocked", _("block lifted")

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="steps")
    at = models.DateTimeField(_("at"), default=clock.now)
    kind = models.CharField(_("step"), max_length=12, choices=Kind.choices)
    level = models.PositiveSmallIntegerField(_("level"), default=0)
    letter = models.ForeignKey(
        Document,
        verbose_name=_("letter"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="dunning_steps",
    )
    reason = models.CharField(_("reason"), max_length=255, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["case", "id"]
        constraints = [
            # A letter for a claim goes out once a day at most, whatever is repeated.
            models.UniqueConstraint(fields=["case", "letter"], name="a_case_is_in_a_letter_once"),
        ]

    def __str__(self) -> str:
        return f"{self.case}: {self.get_kind_display()}"
