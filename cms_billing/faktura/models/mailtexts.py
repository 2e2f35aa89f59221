"""How the mails of an issuer look and travel, a kind of document and a language at a time."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from wagtail.models import PreviewableMixin

from ..addresses import validate_addresses
from ..placeholders import validate_placeholders
from .numbers import DocumentKind
from .parties import LANGUAGES, Attach, Issuer


class NoticeKind(models.TextChoices):
    """Mails without a paper."""

    CHARGE_REFUSED = "charge_refused", _("refused charge")
    CARD_EXPIRES = "card_expires", _("expiring card")
    AGREEMENT_MADE = "agreement_made", _("agreement about a debt")
    INSTALMENT_DUE = "instalment_due", _("instalment that is due soon")
    PAYMENT_THANKS = "payment_thanks", _("thanks for a payment after reminders")


MAIL_KINDS = [*DocumentKind.choices, *NoticeKind.choices]


class MailTextQuerySet(models.QuerySet["MailText"]):
    def visible_to(self, user: Any) -> MailTextQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class MailText(PreviewableMixin, models.Model):
    """What an editor decided for the mails of one kind of document, in one language or in all.

    An empty field is inherited: from the row without a language, from the issuer, from the text that ships with the
    package (``mailsettings``).
    """

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.CASCADE, related_name="mail_texts"
    )
    purpose = models.CharField(_("mail"), max_length=30, choices=MAIL_KINDS)
    language = models.CharField(
        _("language"),
        max_length=8,
        choices=LANGUAGES,
        blank=True,
        default="",
        help_text=_("Empty: for every language that has no mail of its own."),
    )
    subject = models.CharField(
        _("subject"), max_length=200, blank=True, help_text=_("Empty: the one that ships with the package.")
    )
    body = models.TextField(_("text"), blank=True, help_text=_("Empty: the one that ships with the package."))
    sender_name = models.CharField(
        _("sender name"), max_length=120, blank=True, help_text=_("Empty: the issuer's.")
    )
    sender_address = models.EmailField(_("sender address"), blank=True, help_text=_("Empty: the issuer's."))
    reply_to = models.EmailField(_("reply-to address"), blank=True, help_text=_("Empty: the issuer's."))
    cc = models.TextField(
        _("copy to (CC)"),
        blank=True,
        validators=[validate_addresses],
        help_text=_("The customer sees these addresses. Several with commas; a dash: nobody."),
    )
    bcc = models.TextField(
        _("hidden copy to (BCC)"),
        blank=True,
        validators=[validate_addresses],
        help_text=_("Empty: the issuer's. Several with commas; a dash: nobody."),
    )
    attach = models.CharField(
        _("attached"), max_length=8, choices=Attach.choices, blank=True, help_text=_("Empty: the issuer's.")
    )

    objects = MailTextQuerySet.as_manager()

    # Wagtail's preview panel; what it shows is made by ``viewsets.mail_preview``.
    preview_modes = [("html", _("As HTML")), ("text", _("As plain text"))]

    class Meta:
        verbose_name = _("mail text")
        verbose_name_plural = _("mail texts")
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "purpose", "language"], name="one_mail_text_per_purpose_and_language"
            )
        ]

    def __str__(self) -> str:
        language = self.language or _("all languages")
        return f"{self.get_purpose_display()} ({language})"

    def clean(self) -> None:
        """A mistyped placeholder is found by the editor who typed it, not by the customer who reads it."""
        errors = {}
        for field in ("subject", "body"):
            try:
                validate_placeholders(getattr(self, field), self.purpose)
            except ValidationError as error:
                errors[field] = error
        if errors:
            raise ValidationError(errors)
