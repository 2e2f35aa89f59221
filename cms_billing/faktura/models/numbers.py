"""Kinds of documents, and the series their numbers come from."""

from __future__ import annotations

from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ..numbers import validate_number_format
from .parties import Issuer


class DocumentKind(models.TextChoices):
    """In Germany “Gutschrift” means self-billing (§ 14 (4) no. 10 UStG): a full reversal is a Stornorechnung, a partial
    one a Rechnungskorrektur."""

    INVOICE = "invoice", _("invoice")
    PRO_FORMA = "pro_forma", _("pro forma invoice")
    CREDIT_NOTE = "credit_note", _("invoice correction")
    CANCELLATION = "cancellation", _("cancellation")
    REFUND_RECEIPT = "refund_receipt", _("refund receipt")
    ACCOUNT_STATEMENT = "account_statement", _("account statement")
    DUNNING_LETTER = "dunning_letter", _("reminder")


class NumberSeriesQuerySet(models.QuerySet["NumberSeries"]):
    def visible_to(self, user: Any) -> NumberSeriesQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class NumberSeries(models.Model):
    """Consecutive numbers of one issuer, kind of document and year; taken inside the issuing transaction."""

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="series"
    )
    kind = models.CharField(_("kind of document"), max_length=20, choices=DocumentKind.choices)
    year = models.PositiveSmallIntegerField(_("year"))
    format = models.CharField(
        _("format"),
        max_length=60,
        validators=[validate_number_format],
        help_text=_("{year} and {number}, with leading zeros as in {number:06}: RE-{year}-{number:06}"),
    )
    next_number = models.PositiveIntegerField(_("next number"), default=1, validators=[MinValueValidator(1)])

    objects = NumberSeriesQuerySet.as_manager()

    class Meta:
        verbose_name = _("number series")
        verbose_name_plural = pgettext_lazy("plural", "number series")
        ordering = ["issuer", "kind", "-year"]
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "kind", "year"], name="one_series_per_issuer_kind_and_year"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.year}"
