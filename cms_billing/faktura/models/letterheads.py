"""How the letters of an issuer look: one design for all kinds of documents, others for single kinds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from wagtail.models import PreviewableMixin

from .numbers import DocumentKind
from .parties import Issuer

validate_color = RegexValidator(
    r"\A#[0-9a-fA-F]{6}\Z", _("Write the colour as # and six digits, such as #1f4e5f.")
)


def _between(least: int, most: int) -> list[Any]:
    return [MinValueValidator(least), MaxValueValidator(most)]


class LetterheadQuerySet(models.QuerySet["Letterhead"]):
    def visible_to(self, user: Any) -> LetterheadQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))

    def for_documents(self, issuer: Issuer, kind: str) -> list[Letterhead]:
        """What decides, the first word first: the letterhead of the kind, then that of all kinds."""
        rows = self.filter(issuer=issuer, kind__in={kind, ""}).select_related("logo")
        return sorted(rows, key=lambda row: row.kind == "")


class Letterhead(PreviewableMixin, models.Model):
    """What an editor decided for the letters of an issuer; an empty field is inherited.

    From the letterhead of the kind, to the one of all kinds, to the package's default (``rendering.DesignData``).
    Documents keep the design they were issued with (``services.letterheads.current_design``).
    """

    class Position(models.TextChoices):
        LEFT = "left", _("left")
        CENTER = "center", _("in the middle")
        RIGHT = "right", _("right")

    class LineDetails(models.TextChoices):
        SHORT = "short", pgettext_lazy("line details", "short")
        GROUPED = "grouped", pgettext_lazy("line details", "under each line")
        ANNEX = "annex", pgettext_lazy("line details", "as an annex")

    PREVIEWS = (
        ("latest", _("Latest document")),
        ("one", _("Invoice with one line")),
        ("many", _("Invoice with 60 lines")),
        ("taxes", _("Invoice with many tax rates")),
        ("letter", _("Payment reminder")),
    )

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.CASCADE, related_name="letterheads"
    )
    name = models.CharField(_("name"), max_length=80, blank=True, help_text=_("Shown in the admin."))
    kind = models.CharField(
        pgettext_lazy("billing", "documents"),
        max_length=20,
        choices=DocumentKind.choices,
        blank=True,
        default="",
        help_text=_("Empty: all documents of the issuer that have no letterhead of their own."),
    )

    template = models.CharField(_("design"), max_length=40, blank=True)
    font = models.CharField(_("font"), max_length=40, blank=True)
    font_size = models.DecimalField(
        _("font size (pt)"),
        max_digits=3,
        decimal_places=1,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("7.5")), MaxValueValidator(Decimal("11.5"))],
    )
    accent_color = models.CharField(_("accent colour"), max_length=7, blank=True, validators=[validate_color])
    text_color = models.CharField(_("text colour"), max_length=7, blank=True, validators=[validate_color])

    logo = models.ForeignKey(
        "wagtailimages.Image",
        verbose_name=_("logo"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    # The cleaned logo, and the hash of the image file it was made from (``services.letterheads``).
    logo_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    logo_source = models.CharField(max_length=40, blank=True, editable=False)
    logo_width = models.PositiveSmallIntegerField(
        _("logo width (mm)"), null=True, blank=True, validators=_between(10, 120)
    )
    logo_position = models.CharField(_("logo position"), max_length=6, choices=Position.choices, blank=True)

    first_background = models.CharField(
        _("background of the first page"),
        max_length=64,
        blank=True,
        help_text=_("PDF, PNG, JPEG or WebP; one page A4 upright. It is printed under the text."),
    )
    next_background = models.CharField(_("background of following pages"), max_length=64, blank=True)
    show_background = models.BooleanField(_("print backgrounds"), null=True, blank=True)

    margin_left = models.PositiveSmallIntegerField(
        _("left margin (mm)"), null=True, blank=True, validators=_between(12, 35)
    )
    margin_right = models.PositiveSmallIntegerField(
        _("right margin (mm)"), null=True, blank=True, validators=_between(10, 35)
    )
    margin_top = models.PositiveSmallIntegerField(
        _("top margin of following pages (mm)"), null=True, blank=True, validators=_between(20, 80)
    )
    margin_bottom = models.PositiveSmallIntegerField(
        _("bottom margin (mm)"), null=True, blank=True, validators=_between(15, 80)
    )

    show_header = models.BooleanField(_("print sender and logo"), null=True, blank=True)
    show_footer = models.BooleanField(_("print the footer"), null=True, blank=True)
    footer_1 = models.TextField(_("first footer column"), blank=True)
    footer_2 = models.TextField(_("second footer column"), blank=True)
    footer_3 = models.TextField(_("third footer column"), blank=True)
    footer_4 = models.TextField(_("fourth footer column"), blank=True)
    footer_line = models.TextField(_("additional footer line"), blank=True)

    show_bank = models.BooleanField(_("print bank details"), null=True, blank=True)
    show_qr = models.BooleanField(
        _("print the QR code for payment"),
        null=True,
        blank=True,
        help_text=_("EPC code that banking apps read."),
    )
    line_details = models.CharField(
        _("details of lines"), max_length=8, choices=LineDetails.choices, blank=True
    )

    objects = LetterheadQuerySet.as_manager()

    class Meta:
        verbose_name = _("letterhead")
        verbose_name_plural = _("letterheads")
        ordering = ["issuer__name", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "kind"], name="one_letterhead_per_issuer_and_kind")
        ]

    def __str__(self) -> str:
        return self.name or f"{self.issuer}: {self.documents}"

    @property
    def documents(self) -> str:
        """For which documents, in words."""
        return str(self.get_kind_display() if self.kind else _("all documents"))

    def decided(self) -> dict[str, Any]:
        """What this letterhead says itself, by the names of ``DesignData``, as JSON; all else is inherited."""
        said = {name: value for name in _TEXTS if (value := getattr(self, name))}
        said |= {name: value for name in _NUMBERS if (value := getattr(self, name)) is not None}
        if self.font_size is not None:
            said["font_size"] = str(self.font_size)
        if self.logo_id:
            said["logo"] = self.logo_sha256
        if any(columns := [self.footer_1, self.footer_2, self.footer_3, self.footer_4]):
            said["footer_columns"] = [column for column in columns if column.strip()]
        if self.show_background is False:
            said |= {"first_background": "", "next_background": ""}
        return said

    @property
    def preview_modes(self) -> list[tuple[str, Any]]:
        return list(self.PREVIEWS)

    @property
    def preview_sizes(self) -> list[dict[str, Any]]:
        return [
            {"name": "page", "icon": "doc-full", "device_width": 760, "label": _("Whole pages")},
            {"name": "large", "icon": "search", "device_width": 460, "label": _("Larger")},
        ]


_TEXTS = (
    "template",
    "font",
    "accent_color",
    "text_color",
    "logo_position",
    "first_background",
    "next_background",
    "footer_line",
    "line_details",
)
_NUMBERS = (
    "logo_width",
    "margin_left",
    "margin_right",
    "margin_top",
    "margin_bottom",
    "show_header",
    "show_footer",
    "show_bank",
    "show_qr",
)


def inherited(letterheads: list[Letterhead]) -> dict[str, Any]:
    """The design that letterheads decide together, the first word counting; what none says is the default."""
    design: dict[str, Any] = {}
    for letterhead in reversed(letterheads):
        design |= letterhead.decided()
    return design
