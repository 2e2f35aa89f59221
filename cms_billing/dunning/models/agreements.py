"""What was agreed with a debtor: a promise to pay, a plan of instalments, a deferral."""

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
from cms_billing.core.texts import amount_text
from cms_billing.faktura.models import Customer, Document, Issuer, NoticeKind


class AgreementQuerySet(models.QuerySet["Agreement"]):
    def running(self) -> AgreementQuerySet:
        return self.filter(state=Agreement.State.RUNNING)

    def broken(self) -> AgreementQuerySet:
        return self.filter(state=Agreement.State.BROKEN)

    def about(self, document_ids: Any) -> AgreementQuerySet:
        """Those that have one of these documents in them."""
        return self.filter(
            pk__in=AgreementDocument.objects.filter(document__in=document_ids).values("agreement")
        )

    def visible_to(self, user: Any) -> AgreementQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))

    def of_user(self, user: Any) -> AgreementQuerySet:
        return self.filter(customer__user_id=user.pk) if user.is_authenticated else self.none()


class Agreement(models.Model):
    """What a customer has agreed to about some of their documents, all of one currency (Vereinbarung).

    A promise and a deferral have one instalment, the whole debt on ``until``. While it runs no letters go out for its
    documents; what was paid of it is read from the ledger's sums, so a payment counts whatever way it comes in.
    ``grace_days`` are those of the policy on the day it was made.
    """

    class Kind(models.TextChoices):
        PROMISE = "promise", _("promise to pay")
        INSTALMENTS = "instalments", _("instalment plan")
        DEFERRAL = "deferral", _("deferral")

    class State(models.TextChoices):
        RUNNING = "running", pgettext_lazy("agreement", "running")
        KEPT = "kept", pgettext_lazy("agreement", "kept")
        BROKEN = "broken", pgettext_lazy("agreement", "broken")
        ENDED = "ended", pgettext_lazy("agreement", "ended by a person")

    # Allowed steps; the services look here before they change anything. A payment that comes back reopens a kept one.
    TRANSITIONS = {
        State.RUNNING: {State.KEPT, State.BROKEN, State.ENDED},
        State.KEPT: {State.RUNNING, State.BROKEN},
        State.BROKEN: set(),
        State.ENDED: set(),
    }

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="dunning_agreements"
    )
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="dunning_agreements"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.RUNNING)
    currency = models.CharField(_("currency"), max_length=3)
    amount_minor = models.BigIntegerField(_("amount (minor units)"))
    starts_on = models.DateField(_("agreed on"))
    until = models.DateField(_("last payment by"))
    grace_days = models.PositiveSmallIntegerField(_("days of grace"), default=0)
    opens_access = models.BooleanField(
        _("opens the content"),
        default=False,
        help_text=_("While it runs, its documents lock nothing."),
    )
    by_member = models.BooleanField(_("made by the member"), default=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    note = models.CharField(_("note"), max_length=200, blank=True)
    ended_on = models.DateField(_("ended on"), null=True, blank=True)
    end_reason = models.CharField(_("ended because"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    documents = models.ManyToManyField(Document, through="AgreementDocument", related_name="agreements")

    amount = money_of("amount_minor")

    objects = AgreementQuerySet.as_manager()

    class Meta:
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        ordering = ["-id"]
        permissions = [("decide_agreement", _("Can make and end agreements"))]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="an_agreement_is_about_money"),
            models.CheckConstraint(
                condition=Q(state="running", ended_on__isnull=True)
                | (~Q(state="running") & Q(ended_on__isnull=False)),
                name="an_agreement_ends_on_a_day",
            ),
            models.CheckConstraint(
                condition=Q(until__gte=models.F("starts_on")), name="an_agreement_ends_after_it_starts"
            ),
        ]
        indexes = [
            models.Index(fields=["issuer", "state", "-id"], name="dunning_agreement_list"),
            models.Index(fields=["customer"], condition=Q(state="running"), name="dunning_agreement_running"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {amount_text(self.amount)}"


class AgreementDocument(models.Model):
    """A document in an agreement, and what was owed of it then: all of it, and how much of that fees and interest.

    ``running`` follows the agreement's state: by it the database keeps a second agreement away.
    """

    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="agreement_documents")
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="agreement_documents")
    agreed_minor = models.BigIntegerField(_("agreed (minor units)"))
    charges_minor = models.BigIntegerField(_("fees and interest by then (minor units)"), default=0)
    running = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("document of an agreement")
        verbose_name_plural = _("documents of agreements")
        ordering = ["agreement", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "document"], name="a_document_is_in_an_agreement_once"
            ),
            models.UniqueConstraint(
                fields=["document"], condition=Q(running=True), name="one_running_agreement_per_document"
            ),
            models.CheckConstraint(condition=Q(agreed_minor__gt=0), name="an_agreed_document_is_owed"),
        ]

    def __str__(self) -> str:
        return f"{self.agreement_id}: {self.document}"


class Instalment(models.Model):
    """A part of the debt and the day it is to be paid by. Never changed: another plan is another agreement."""

    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="instalments")
    number = models.PositiveSmallIntegerField(_("number"))
    due_on = models.DateField(_("due on"))
    amount_minor = models.BigIntegerField(_("amount (minor units)"))

    amount = money_of("amount_minor", "agreement.currency")

    class Meta:
        verbose_name = _("instalment")
        verbose_name_plural = _("instalments")
        ordering = ["agreement", "number"]
        constraints = [
            models.UniqueConstraint(fields=["agreement", "number"], name="one_instalment_per_number"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="an_instalment_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.amount}"


class AgreementNotice(OutsideWork):
    """One mail to the customer: what was agreed, or that an instalment is due in some days. Never two of one kind."""

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="notices")
    instalment = models.ForeignKey(
        Instalment, null=True, blank=True, on_delete=models.PROTECT, related_name="notices"
    )
    kind = models.CharField(_("kind"), max_length=20, choices=NoticeKind.choices)
    to = models.EmailField(pgettext_lazy("e-mail", "to"))
    # The mail as it was sent; empty where there was nothing left to say by then.
    subject = models.CharField(_("subject"), max_length=255, blank=True)
    body = models.TextField(_("text"), blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    class Meta(OutsideWork.Meta):
        verbose_name = _("notice about an agreement")
        verbose_name_plural = _("notices about agreements")
        constraints = [
            models.UniqueConstraint(
                fields=["agreement"], condition=Q(instalment=None), name="an_agreement_is_confirmed_once"
            ),
            models.UniqueConstraint(
                fields=["instalment"],
                condition=Q(instalment__isnull=False),
                name="an_instalment_is_announced_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} → {self.to}"
