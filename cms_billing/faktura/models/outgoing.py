"""What leaves the house: rendered, archived, mailed."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cms_billing.core import clock
from cms_billing.core.models import FrozenModel, FrozenQuerySet, OutsideWork

from .documents import Document
from .parties import Attach, Issuer

# A mail as it was sent; every other content type a document has once.
MESSAGE = "message/rfc822"


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
    """Bytes of an issued document or of a mail with it, stored once under their SHA-256, chained to the record before.

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
                fields=["document", "content_type"],
                condition=~models.Q(content_type=MESSAGE),
                name="one_archived_file_per_document_and_type",
            ),
        ]

    def __str__(self) -> str:
        return self.filename


class Channel(models.TextChoices):
    """How a document reaches its reader, where its app says so in ``Document.extra["channel"]`` (Versandweg).

    Without a word of it: by mail with what the settings attach, on paper where there is no address.
    """

    MAIL = "mail", _("e-mail, the letter as its text")
    MAIL_PDF = "mail_pdf", _("e-mail with the letter as PDF")
    PRINT = "print", _("on paper: printed and posted")


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def visible_to(self, user: Any) -> DeliveryQuerySet:
        return self.filter(document__issuer__in=Issuer.objects.visible_to(user))


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
    # The same byte for byte, in the archive.
    archived_message = models.OneToOneField(
        ArchiveRecord, null=True, blank=True, on_delete=models.PROTECT, related_name="delivery"
    )
    attach = models.CharField(_("attached"), max_length=8, choices=Attach.choices, blank=True)
    # Sent again byte for byte as that one was.
    repeats = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="repetitions"
    )
    # Who else it went to, and what the server said: {"ablage@example.org": "" or the answer}.
    copies = models.JSONField(_("copies"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    objects = DeliveryQuerySet.as_manager()

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
