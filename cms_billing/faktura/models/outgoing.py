"""What leaves the house: rendered, archived, mailed."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cms_billing.core import clock
from cms_billing.core.models import FrozenModel, FrozenQuerySet, OutsideWork

from ..placeholders import validate_placeholders
from .documents import Document
from .numbers import DocumentKind
from .parties import LANGUAGES, Issuer


class Rendering(OutsideWork):
    """The PDF of an issued document, to be made and archived once."""

    document = models.OneToOneField(Document, on_delete=models.PROTECT, related_name="rendering")

    class Meta(OutsideWork.Meta):
        verbose_name = _("rendering")
        verbose_name_plural = _("renderings")

    def __str__(self) -> str:
        return str(self.document)


class ArchiveHead(models.Model):
    """Where an issuer's chain ends: locked for the moment a record is added."""

    issuer = models.OneToOneField(
        Issuer, primary_key=True, on_delete=models.PROTECT, related_name="archive_head"
    )
    sequence = models.PositiveBigIntegerField(default=0)
    chain_hash = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.issuer} {self.sequence}"


class ArchiveRecord(FrozenModel):
    """Bytes of an issued document, stored once under their SHA-256 and chained to the record before.

    ``chain_hash`` = SHA-256 over the previous chain hash and this record's own facts; see ``archive.chain_hash``.
    """

    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="archive_records")
    sequence = models.PositiveBigIntegerField(_("sequence"))
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="archive_records")
    content_type = models.CharField(_("content type"), max_length=80)
    filename = models.CharField(_("file name"), max_length=120)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    sha256 = models.CharField("SHA-256", max_length=64)
    previous_hash = models.CharField(max_length=64, blank=True)
    chain_hash = models.CharField(max_length=64)
    archived_at = models.DateTimeField(_("archived at"), default=clock.now)

    objects = FrozenQuerySet.as_manager()

    class Meta:
        verbose_name = _("archive record")
        verbose_name_plural = _("archive records")
        ordering = ["issuer", "sequence"]
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "sequence"], name="archive_sequence_is_unique_per_issuer"
            ),
            models.UniqueConstraint(
                fields=["document", "content_type"], name="one_archived_file_per_document_and_type"
            ),
        ]

    def __str__(self) -> str:
        return self.filename


class MailTextQuerySet(models.QuerySet["MailText"]):
    def visible_to(self, user: Any) -> MailTextQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class MailText(models.Model):
    """An editor's own wording of a mail; where there is none, the text that ships with the package is used."""

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.CASCADE, related_name="mail_texts"
    )
    purpose = models.CharField(_("mail"), max_length=30, choices=DocumentKind.choices)
    language = models.CharField(_("language"), max_length=8, choices=LANGUAGES, default="de")
    subject = models.CharField(_("subject"), max_length=200)
    body = models.TextField(
        _("text"),
        help_text=_(
            "Placeholders: {name}, {number}, {date}, {amount}, {due_date}, {open_amount}, {issuer}, {payment_link}"
        ),
    )

    objects = MailTextQuerySet.as_manager()

    class Meta:
        verbose_name = _("mail text")
        verbose_name_plural = _("mail texts")
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "purpose", "language"], name="one_mail_text_per_purpose_and_language"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} ({self.language})"

    def clean(self) -> None:
        """A mistyped placeholder is found by the editor who typed it, not by the customer who reads it."""
        errors = {}
        for field in ("subject", "body"):
            try:
                validate_placeholders(getattr(self, field))
            except ValidationError as error:
                errors[field] = error
        if errors:
            raise ValidationError(errors)


class Delivery(OutsideWork):
    """One mail with a document: written when the document is archived, or when an editor sends it again."""

    class Purpose(models.TextChoices):
        FIRST = "first", _("first delivery")
        AGAIN = "again", _("sent again")

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="deliveries")
    purpose = models.CharField(_("purpose"), max_length=8, choices=Purpose.choices, default=Purpose.FIRST)
    to = models.EmailField(pgettext_lazy("e-mail", "to"))
    message_id = models.CharField(_("message id"), max_length=200, blank=True)
    # The message as it was sent, so that "what did we write?" has an answer when texts have changed since.
    subject = models.CharField(_("subject"), max_length=255, blank=True)
    body = models.TextField(_("text"), blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    class Meta(OutsideWork.Meta):
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["document"],
                condition=models.Q(purpose="first"),
                name="a_document_is_first_delivered_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.document} → {self.to}"
