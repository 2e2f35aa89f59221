"""Every overdue claim on its way through the levels, with its timeline and charges."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cms_billing.core import clock
from cms_billing.core.money import Money, money_of
from cms_billing.faktura.models import Customer, Document, Issuer, LedgerEntry

from .agreements import AgreementDocument
from .procedures import LockScope, ProcedureVersion

_OPEN, _CHARGES = "document__open_item__open_minor", "document__open_item__charges_minor"
# The claim itself is owed, not only fees and interest that were claimed beside it.
UNCOVERED = Q(**{f"{_OPEN}__gt": F(_CHARGES)})


def locks() -> Q:
    """A case of ``standing()`` locks now: the same for every query that asks.

    Not while an agreement runs that opens the content.
    """
    agreed = AgreementDocument.objects.filter(document=OuterRef("document"), running=True)
    return UNCOVERED & ~Q(lock_scope="") & ~Q(Exists(agreed.filter(agreement__opens_access=True)))


class CaseQuerySet(models.QuerySet["Case"]):
    def live(self) -> CaseQuerySet:
        """Not closed: the claim is on its way."""
        return self.exclude(state=Case.State.CLOSED)

    def standing(self) -> CaseQuerySet:
        """Live cases whose document is still owed. A payment counts from its own commit on, whatever became of the
        receiver that closes the case."""
        return self.live().filter(document__open_item__open_minor__gt=0)

    def covered(self) -> CaseQuerySet:
        """Only fees and interest are left."""
        return self.standing().exclude(UNCOVERED)

    def locking(self) -> CaseQuerySet:
        """Where only fees and interest are owed, nothing is locked any more."""
        return self.standing().filter(locks())

    def visible_to(self, user: Any) -> CaseQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))

    def of_user(self, user: Any) -> CaseQuerySet:
        return self.filter(customer__user_id=user.pk) if user.is_authenticated else self.none()


class Case(models.Model):
    """One overdue document on its way through the levels (Mahnfall).

    ``level`` is that of the last letter, 0 before the first. ``waiting_since`` is the day the days of the next level
    count from: the due date, the last letter, the day a payment came back or the case was resumed. ``lock_scope`` is
    the standing the paywall asks for; whether it locks also depends on what is still owed (``CaseQuerySet.locking``).
    ``announced_scope`` is what the last letter said the next one would lock, or has locked. ``first_level`` is above 1
    where a failed payment or a chargeback started the case there.
    """

    class State(models.TextChoices):
        OPEN = "open", _("open")
        STOPPED = "stopped", _("stopped")
        READY_FOR_COLLECTION = "ready_for_collection", _("ready for collection")
        HANDED_OVER = "handed_over", _("handed over")
        CLOSED = "closed", _("closed")

    class CloseReason(models.TextChoices):
        PAID = "paid", _("paid")
        CANCELLED = "cancelled", _("invoice cancelled")
        CREDITED = "credited", _("credited")
        WRITTEN_OFF = "written_off", _("written off")
        CHARGES_KEPT = "charges_kept", _("paid; charges stay on the account")

    # Allowed steps; the services look here before they change anything.
    TRANSITIONS = {
        # At an agency again only where the claim never left it: a payment came back.
        State.OPEN: {State.STOPPED, State.READY_FOR_COLLECTION, State.HANDED_OVER, State.CLOSED},
        State.STOPPED: {State.OPEN, State.CLOSED},
        State.READY_FOR_COLLECTION: {State.OPEN, State.STOPPED, State.HANDED_OVER, State.CLOSED},
        # Open or stopped only by a recall from the agency, which is a step of its own.
        State.HANDED_OVER: {State.CLOSED},
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
    lock_scope = models.CharField(
        _("locks"), max_length=8, choices=LockScope.choices, default=LockScope.NOTHING, blank=True
    )
    announced_scope = models.CharField(
        _("announced to lock"), max_length=8, choices=LockScope.choices, default=LockScope.NOTHING, blank=True
    )
    first_level = models.PositiveSmallIntegerField(_("first level"), default=1)
    in_default_since = models.DateField(_("in default since"), null=True, blank=True)
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
                condition=Q(lock_scope="") | Q(state__in=["open", "ready_for_collection", "handed_over"]),
                name="a_closed_or_stopped_case_locks_nothing",
            ),
            models.CheckConstraint(
                condition=Q(lock_scope="") | ~Q(announced_scope=""), name="a_lock_was_announced_in_a_letter"
            ),
        ]
        indexes = [
            models.Index(fields=["issuer", "state", "-id"], name="dunning_case_list"),
            models.Index(fields=["customer"], condition=~Q(state="closed"), name="dunning_case_live"),
        ]

    def __str__(self) -> str:
        return f"{self.document.number} · {self.customer}"

    @property
    def locked(self) -> bool:
        return self.lock_scope != LockScope.NOTHING

    @property
    def locks_now(self) -> bool:
        """As ``CaseQuerySet.locking``; a query where the standing is locked."""
        return self.locked and Case.objects.locking().filter(pk=self.pk).exists()

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
        CHARGED = "charged", _("charge claimed")
        HELD = "held", _("put on hold")
        RELEASED = "released", _("hold ended")
        AGREED = "agreed", _("agreement")
        AGREEMENT_ENDED = "agreement_ended", _("agreement ended")
        PAYMENT = "payment", _("payment")
        CAME_BACK = "came_back", _("payment came back")
        THANKED = "thanked", _("thanked")
        MOVED = "moved", _("moved to another level")
        NOTE = "note", _("note")
        SENT_AGAIN = "sent_again", _("letter sent again")
        HANDED_OVER = "handed_over", _("handed over to collection")
        RECALLED = "recalled", _("recalled from collection")
        AGENCY = "agency", _("news from the agency")

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="steps")
    at = models.DateTimeField(_("at"), default=clock.now)
    kind = models.CharField(_("step"), max_length=16, choices=Kind.choices)
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
    version = models.ForeignKey(
        ProcedureVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
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


class Charge(models.Model):
    """A fee, the flat compensation, interest or the agency's cost claimed beside a claim; a waiver is a negative row.

    Each stands in the ledger too (``ledger_entry``); here is what kind it is and how it was worked out. Never changed.
    """

    class Kind(models.TextChoices):
        FEE = "fee", _("dunning fee")
        FLAT = "flat", _("flat compensation")
        INTEREST = "interest", _("default interest")
        COLLECTION = "collection", _("collection costs")

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="charges")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    amount_minor = models.BigIntegerField(_("amount (minor units)"))
    currency = models.CharField(_("currency"), max_length=3)
    booked_on = models.DateField(_("booked on"))
    letter = models.ForeignKey(
        Document, null=True, blank=True, on_delete=models.PROTECT, related_name="dunning_charges"
    )
    ledger_entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="dunning_charge")
    # Of interest: [{"from", "to", "days", "base_minor", "percent", "minor"}], one a rate and amount.
    details = models.JSONField(_("worked out"), default=list, blank=True)

    amount = money_of("amount_minor")

    class Meta:
        verbose_name = _("dunning charge")
        verbose_name_plural = _("dunning charges")
        ordering = ["case", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(amount_minor=0), name="a_dunning_charge_is_not_zero"),
            # § 288 (5) BGB: once a claim.
            models.UniqueConstraint(
                fields=["case"], condition=Q(kind="flat", amount_minor__gt=0), name="one_flat_charge_a_case"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount}"
