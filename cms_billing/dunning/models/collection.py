"""What was handed over, what was told afterwards, and what came back."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cms_billing.core import clock
from cms_billing.core.models import OutsideWork
from cms_billing.core.money import money_of
from cms_billing.faktura.models import Customer, Document, Issuer, LedgerEntry

from .agencies import Agency, ClaimStatus, Transport
from .cases import Case


class VisibleQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> VisibleQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class HandOver(models.Model):
    """One file for an agency: claims (Übergabe), or changes of claims it has (Meldung).

    ``format`` is the agency's format as it was: ``{"csv": {…}, "columns": [[key, heading]], "client_number": …}``;
    whatever an editor changes later, the file made again is the same.
    """

    class Kind(models.TextChoices):
        CLAIMS = "claims", _("claims")
        REPORT = "report", _("report of changes")

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="hand_overs"
    )
    agency = models.ForeignKey(
        Agency, verbose_name=_("agency"), on_delete=models.PROTECT, related_name="hand_overs"
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    number = models.PositiveIntegerField(_("number"))
    day = models.DateField(_("day"))
    created_at = models.DateTimeField(_("created"), default=clock.now)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    format = models.JSONField(_("format"), default=dict)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    # By currency, in minor units: {"EUR": 12345}.
    totals = models.JSONField(_("totals"), default=dict)

    objects = VisibleQuerySet.as_manager()

    class Meta:
        verbose_name = _("hand-over")
        verbose_name_plural = _("hand-overs")
        ordering = ["-id"]
        permissions = [
            ("release_handover", _("Can hand claims over to an agency")),
            ("download_handover", _("Can download files for agencies")),
            ("recall_handover", _("Can recall claims from an agency")),
            ("import_agencystatus", _("Can import status files of agencies")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "number"], name="one_hand_over_per_issuer_and_number")
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """What agency and issuer call it: in the file, in its name, and in status files that come back."""
        letter = "U" if self.kind == self.Kind.CLAIMS else "M"
        return f"{letter}-{self.issuer_id}-{self.number:06d}"


class ClaimQuerySet(VisibleQuerySet):
    def at_agency(self) -> ClaimQuerySet:
        """Not recalled: nobody else asks for them."""
        return self.filter(recalled_on=None)


class HandOverClaim(models.Model):
    """One claim in a hand-over, with its amounts as they were. At one agency at a time, until it is recalled.

    ``facts`` are the values of all columns that the file may show (``collection.columns``), frozen. Ledger entries of
    the document above ``last_entry`` happened afterwards: the agency is told of them.
    """

    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="+")
    hand_over = models.ForeignKey(
        HandOver, verbose_name=_("hand-over"), on_delete=models.PROTECT, related_name="claims"
    )
    position = models.PositiveIntegerField(_("position"))
    case = models.ForeignKey(
        Case, verbose_name=_("dunning case"), on_delete=models.PROTECT, related_name="hand_over_claims"
    )
    document = models.ForeignKey(
        Document,
        verbose_name=pgettext_lazy("billing", "document"),
        on_delete=models.PROTECT,
        related_name="hand_over_claims",
    )
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="hand_over_claims"
    )
    currency = models.CharField(_("currency"), max_length=3)
    total_minor = models.BigIntegerField(_("handed over (minor units)"))
    facts = models.JSONField(_("facts"), default=dict)
    # Documents whose archived files go along: the invoice, then the letters.
    papers = models.JSONField(_("papers"), default=list)
    last_entry = models.PositiveBigIntegerField(default=0)

    status = models.CharField(
        _("status"), max_length=16, choices=ClaimStatus.choices, default=ClaimStatus.SENT
    )
    status_on = models.DateField(_("status of"), null=True, blank=True)
    status_note = models.CharField(_("note of the agency"), max_length=255, blank=True)
    costs_minor = models.BigIntegerField(_("costs of the agency (minor units)"), default=0)
    recalled_on = models.DateField(_("recalled on"), null=True, blank=True)
    recall_reason = models.CharField(_("recalled because"), max_length=255, blank=True)

    total = money_of("total_minor")
    costs = money_of("costs_minor")

    objects = ClaimQuerySet.as_manager()

    class Meta:
        verbose_name = _("claim at an agency")
        verbose_name_plural = _("claims at agencies")
        ordering = ["-hand_over", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["document"],
                condition=Q(recalled_on=None),
                name="a_claim_is_at_one_agency_until_recalled",
            ),
            models.UniqueConstraint(
                fields=["hand_over", "position"], name="one_claim_per_hand_over_and_position"
            ),
            models.CheckConstraint(condition=Q(total_minor__gt=0), name="a_claim_handed_over_is_owed"),
        ]

    def __str__(self) -> str:
        return f"{self.hand_over.reference} · {self.document.number}"


class ClaimChange(models.Model):
    """What happened to a claim at the agency: told in a report, unless the agency itself told us.

    ``report`` is empty until the next report takes it; ``from_agency`` rows stay without.
    """

    class Kind(models.TextChoices):
        PAYMENT = "payment", _("payment")
        CREDIT = "credit", _("credit note")
        CANCELLATION = "cancellation", _("cancellation")
        CHARGEBACK = "chargeback", _("payment came back")
        REFUND = "refund", _("refund")
        CHARGE = "charge", _("fee or interest")
        WRITE_OFF = "write_off", _("write-off")
        TRANSFER = "transfer", _("settled with credit")
        RECALL = "recall", _("recalled")

    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="+")
    claim = models.ForeignKey(HandOverClaim, on_delete=models.PROTECT, related_name="changes")
    report = models.ForeignKey(
        HandOver,
        verbose_name=pgettext_lazy("collection", "report"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="changes",
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    ledger_entry = models.ForeignKey(
        LedgerEntry, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    day = models.DateField(_("day"))
    amount_minor = models.BigIntegerField(_("amount (minor units)"), default=0)
    open_minor = models.BigIntegerField(_("open (minor units)"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    note = models.CharField(_("note"), max_length=255, blank=True)
    from_agency = models.BooleanField(_("told by the agency"), default=False)

    amount = money_of("amount_minor")
    open_amount = money_of("open_minor")

    objects = VisibleQuerySet.as_manager()

    class Meta:
        verbose_name = _("change of a claim")
        verbose_name_plural = _("changes of claims")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["claim", "ledger_entry"], name="the_agency_is_told_of_an_entry_once"
            ),
            models.UniqueConstraint(
                fields=["claim"], condition=Q(kind="recall"), name="a_claim_is_recalled_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["issuer"], condition=Q(report=None, from_agency=False), name="claim_change_to_tell"
            )
        ]

    def __str__(self) -> str:
        return f"{self.claim}: {self.get_kind_display()}"


class HandOverFile(OutsideWork):
    """The ZIP of a hand-over: made after commit, stored once under its hash, never made otherwise again."""

    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="+")
    hand_over = models.OneToOneField(
        HandOver, verbose_name=_("hand-over"), on_delete=models.PROTECT, related_name="file"
    )
    name = models.CharField(_("file name"), max_length=120)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    size = models.PositiveBigIntegerField(_("size in bytes"), default=0)
    # As in the manifest: [{"name", "sha256", "size"}].
    contents = models.JSONField(_("contents"), default=list)

    objects = VisibleQuerySet.as_manager()

    class Meta(OutsideWork.Meta):
        verbose_name = _("file for an agency")
        verbose_name_plural = _("files for agencies")

    def __str__(self) -> str:
        return self.name


class HandOverSending(OutsideWork):
    """A file on its way to the agency. Tried again it is the same file under the same name, the same message id."""

    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="+")
    hand_over = models.ForeignKey(
        HandOver, verbose_name=_("hand-over"), on_delete=models.PROTECT, related_name="sendings"
    )
    way = models.CharField(_("way"), max_length=8, choices=Transport.choices)
    to = models.CharField(_("to"), max_length=300, blank=True)
    message_id = models.CharField(_("message id"), max_length=200, blank=True)
    encrypted = models.BooleanField(_("encrypted"), default=False)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    is_first = models.BooleanField(_("first sending"), default=True)

    objects = VisibleQuerySet.as_manager()

    class Meta(OutsideWork.Meta):
        verbose_name = _("sending to an agency")
        verbose_name_plural = _("sendings to agencies")
        constraints = [
            models.UniqueConstraint(
                fields=["hand_over"], condition=Q(is_first=True), name="a_hand_over_is_first_sent_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.hand_over.reference} → {self.to or self.get_way_display()}"
