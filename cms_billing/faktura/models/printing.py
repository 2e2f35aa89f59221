"""What goes out on paper: each letter waits, lies in one print file, and is posted."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.core.models import OutsideWork

from .documents import Document
from .parties import Issuer


class PrintFileQuerySet(models.QuerySet["PrintFile"]):
    def visible_to(self, user: Any) -> PrintFileQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class PrintFile(OutsideWork):
    """Letters in one PDF, in postal order behind a list of their recipients. Its bytes lie in the archive's storage
    under ``print/``; they are made once, and every letter in it is that of the archive."""

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="print_files"
    )
    two_sided = models.BooleanField(_("printed on both sides"), default=True)
    letters = models.PositiveIntegerField(_("letters"), default=0)
    pages = models.PositiveIntegerField(_("pages"), default=0)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    size = models.PositiveBigIntegerField(_("size in bytes"), default=0)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    posted_at = models.DateTimeField(_("posted"), null=True, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = PrintFileQuerySet.as_manager()

    class Meta(OutsideWork.Meta):
        verbose_name = _("print file")
        verbose_name_plural = _("print files")
        ordering = ["-pk"]
        permissions = [("print_document", _("Can make, download and post print files"))]

    def __str__(self) -> str:
        return str(_("Print file %(n)s") % {"n": self.pk})


class PaperLetterQuerySet(models.QuerySet["PaperLetter"]):
    def visible_to(self, user: Any) -> PaperLetterQuerySet:
        return self.filter(document__issuer__in=Issuer.objects.visible_to(user))

    def waiting(self) -> PaperLetterQuerySet:
        """To be printed and in no file yet."""
        return self.filter(print_file=None, posted_at=None, withdrawn_because="")


class PaperLetter(models.Model):
    """One document on its way by post. Printing it again is another row, with its reason."""

    class Cause(models.TextChoices):
        PAPER = "paper", _("goes out on paper")
        NO_ADDRESS = "no_address", _("the customer has no e-mail address")
        AGAIN = "again", _("printed again")

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="paper_letters")
    cause = models.CharField(_("why on paper"), max_length=10, choices=Cause.choices)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    print_file = models.ForeignKey(
        PrintFile,
        verbose_name=_("print file"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="letters_in_it",
    )
    position = models.PositiveIntegerField(_("position"), null=True, blank=True)
    # Page of the file it begins on, and how many it has; 0 before the file is made.
    first_page = models.PositiveIntegerField(_("page"), default=0)
    pages = models.PositiveIntegerField(_("pages"), default=0)
    posted_at = models.DateTimeField(_("posted"), null=True, blank=True)
    # Settled before it was printed, or mailed instead: a sentence.
    withdrawn_because = models.CharField(_("not printed because"), max_length=255, blank=True)
    # What was wrong when its file was made; it waits for the next one.
    problem = models.CharField(_("problem"), max_length=255, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = PaperLetterQuerySet.as_manager()

    class Meta:
        verbose_name = _("letter on paper")
        verbose_name_plural = _("letters on paper")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["document"], condition=~Q(cause="again"), name="a_document_first_goes_on_paper_once"
            ),
            models.UniqueConstraint(
                fields=["print_file", "position"], name="one_letter_a_position_of_a_print_file"
            ),
        ]
        indexes = [
            models.Index(
                fields=["document"],
                condition=Q(print_file=None, posted_at=None, withdrawn_because=""),
                name="paper_letters_waiting",
            )
        ]

    def __str__(self) -> str:
        return str(self.document)

    @property
    def state(self) -> str:
        """For people."""
        if self.withdrawn_because:
            return str(_("not printed"))
        if self.posted_at:
            return str(_("posted"))
        return str(_("in a print file") if self.print_file_id else _("waiting for print"))
