"""A visit to a provider's page, from our button to the money or the way back."""

from __future__ import annotations

import uuid
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
from cms_billing.faktura.models import Customer, Document, Issuer

from .accounts import Payer, ProviderAccount
from .methods import PaymentMethod


class PaymentSessionQuerySet(models.QuerySet["PaymentSession"]):
    def visible_to(self, user: Any) -> PaymentSessionQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))

    def at_the_provider(self) -> PaymentSessionQuerySet:
        """The payer may be on the page, or has left it without telling us."""
        return self.filter(state__in=[PaymentSession.State.CREATED, PaymentSession.State.OPEN])

    def with_money(self) -> PaymentSessionQuerySet:
        """Money is here or on its way."""
        return self.filter(
            state=PaymentSession.State.COMPLETED,
            money__in=[PaymentSession.Money.PENDING, PaymentSession.Money.SETTLED],
        )

    def to_repair(self) -> PaymentSessionQuerySet:
        """Money that found nothing to pay for: no order, one that is paid already, or work that failed for good."""
        stuck = ~Q(problem="") | Q(work_state=PaymentSession.WorkState.FAILED)
        return self.with_money().filter(stuck, payment=None)


class PaymentSession(OutsideWork):
    """One visit of a payer to a provider's page (Zahlungsvorgang). Written before the page is opened, with its own key.

    ``state`` is where the visit stands, ``money`` what became of the money. The ``OutsideWork`` columns are idle until
    the payer has completed the page: then the work is to put the money where it belongs (``payments.completion``).
    """

    class Purpose(models.TextChoices):
        CHECKOUT = "checkout", _("order")
        DOCUMENTS = "documents", _("open documents")
        METHOD = "method", _("store a payment method")

    class State(models.TextChoices):
        CREATED = "created", _("not opened yet")
        OPEN = "open", _("waits for the payer")
        COMPLETED = "completed", _("completed")
        CANCELLED = "cancelled", pgettext_lazy("payment", "cancelled")
        EXPIRED = "expired", _("expired")
        FAILED = "failed", _("failed")

    class Money(models.TextChoices):
        NONE = "", _("none")
        PENDING = "pending", _("under way")
        SETTLED = "settled", _("received")
        FAILED = "failed", _("failed")
        RETURNED = "returned", _("paid back")

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="payment_sessions"
    )
    account = models.ForeignKey(
        ProviderAccount,
        verbose_name=_("account at the provider"),
        on_delete=models.PROTECT,
        related_name="payment_sessions",
    )
    payer = models.ForeignKey(Payer, on_delete=models.PROTECT, related_name="payment_sessions")
    customer = models.ForeignKey(
        Customer,
        verbose_name=_("customer"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="payment_sessions",
        help_text=_("Unknown while a basket is no order."),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose.choices)
    # What is paid for, such as "basket:17": at most one page is open for it.
    subject = models.CharField(max_length=120)
    amount_minor = models.BigIntegerField(_("amount (minor units)"))
    currency = models.CharField(_("currency"), max_length=3)
    description = models.CharField(_("description"), max_length=140, blank=True)
    stores_method = models.BooleanField(_("stores the payment method"), default=False)
    replaces = models.ForeignKey(
        PaymentMethod,
        verbose_name=_("replaces"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Removed as soon as the new one is stored."),
    )
    # Booked before the provider knew the method: a mandate may come days after the payment.
    awaits_method = models.BooleanField(default=False, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.CREATED)
    money = models.CharField(_("money"), max_length=8, choices=Money.choices, blank=True, default=Money.NONE)
    idempotency_key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    reference = models.CharField(_("provider's reference"), max_length=120, blank=True)
    payment_reference = models.CharField(_("reference of the payment"), max_length=120, blank=True)
    url = models.TextField(blank=True, editable=False)
    # The query of the address the payer came back to: by it some providers tell more than by the reference alone.
    returned_with = models.JSONField(default=dict, blank=True, editable=False)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    refusal_code = models.CharField(_("refusal code"), max_length=80, blank=True)
    problem = models.TextField(
        _("problem"), blank=True, help_text=_("Why the money could not be put where it belongs.")
    )
    asked_at = models.DateTimeField(_("provider asked at"), null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    documents = models.ManyToManyField(Document, through="SessionDocument", related_name="payment_sessions")

    amount = money_of("amount_minor")

    objects = PaymentSessionQuerySet.as_manager()

    class Meta(OutsideWork.Meta):
        verbose_name = _("payment session")
        verbose_name_plural = _("payment sessions")
        ordering = ["-id"]
        permissions = [("repair_paymentsession", _("Can complete or pay back stray payments"))]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="session_amount_is_not_negative"),
            models.UniqueConstraint(
                fields=["purpose", "subject"],
                condition=Q(state__in=["created", "open"]),
                name="one_page_is_open_for_a_subject",
            ),
            models.UniqueConstraint(
                fields=["account", "reference"],
                condition=~Q(reference=""),
                name="a_session_reference_is_recorded_once",
            ),
        ]
        indexes = [
            *OutsideWork.Meta.indexes,
            models.Index(fields=["issuer", "-id"], name="session_by_issuer"),
            models.Index(fields=["payment_reference"], name="session_by_payment"),
            models.Index(fields=["id"], condition=Q(state__in=["created", "open"]), name="session_open"),
            models.Index(fields=["id"], condition=Q(awaits_method=True), name="session_awaits_method"),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {amount_text(self.amount)}"


class SessionDocument(models.Model):
    """A document that a session pays, and the order they are paid in."""

    session = models.ForeignKey(PaymentSession, on_delete=models.CASCADE, related_name="session_documents")
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="session_documents")
    position = models.PositiveSmallIntegerField(default=1)

    class Meta:
        verbose_name = _("document of a payment session")
        verbose_name_plural = _("documents of payment sessions")
        ordering = ["session", "position"]
        constraints = [
            models.UniqueConstraint(fields=["session", "document"], name="a_session_pays_a_document_once")
        ]

    def __str__(self) -> str:
        return f"{self.session_id}: {self.document}"
