"""What stands above and below the lines of an issuer's documents, a kind and a language at a time."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..placeholders import validate_text_placeholders
from .numbers import DocumentKind
from .parties import LANGUAGES, Issuer


class DocumentTextQuerySet(models.QuerySet["DocumentText"]):
    def visible_to(self, user: Any) -> DocumentTextQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class DocumentText(models.Model):
    """Texts of one kind of document, in one language or in all. Documents keep those they were issued with.

    An empty field is inherited from the row without a language. What an editor writes for a single document stands
    instead of them.
    """

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.CASCADE, related_name="document_texts"
    )
    kind = models.CharField(_("kind of document"), max_length=20, choices=DocumentKind.choices)
    language = models.CharField(
        _("language"),
        max_length=8,
        choices=LANGUAGES,
        blank=True,
        default="",
        help_text=_("Empty: for every language that has no text of its own."),
    )
    intro = models.TextField(_("text above the lines"), blank=True)
    closing = models.TextField(_("text below the total"), blank=True)

    objects = DocumentTextQuerySet.as_manager()

    class Meta:
        verbose_name = _("document text")
        verbose_name_plural = _("document texts")
        ordering = ["issuer__name", "kind", "language"]
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "kind", "language"], name="one_document_text_per_kind_and_language"
            )
        ]

    def __str__(self) -> str:
        kinds, languages = dict(DocumentKind.choices), dict(LANGUAGES)
        language = languages.get(self.language) or _("all languages")
        return f"{kinds.get(self.kind, self.kind)} ({language})"

    def clean(self) -> None:
        """A mistyped placeholder is found by the editor who typed it, not by the customer who reads it."""
        errors = {}
        for field in ("intro", "closing"):
            try:
                validate_text_placeholders(getattr(self, field), self.kind)
            except ValidationError as error:
                errors[field] = error
        if errors:
            raise ValidationError(errors)
