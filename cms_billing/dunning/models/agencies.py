"""Agencies and lawyers: whom claims go to, in which format, and on which way."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from modelcluster.fields import ParentalKey
from modelcluster.models import ClusterableModel
from wagtail.models import Orderable

from cms_billing.core.money import money_of
from cms_billing.faktura.models import Issuer
from cms_billing.faktura.validators import validate_country

from ..collection import columns, keys
from ..collection.csv_format import CsvFormat

_FOLDER = re.compile(r"[^\x00-\x1f\\]*")


class Transport(models.TextChoices):
    """How files reach the agency."""

    DOWNLOAD = "download", _("a person downloads them here")
    MAIL = "mail", _("e-mail")
    SFTP = "sftp", "SFTP"


class ClaimStatus(models.TextChoices):
    """What the agency says of a claim."""

    SENT = "sent", _("handed over")
    IN_PROGRESS = "in_progress", _("in progress")
    PAID = "paid", _("paid at the agency")
    UNCOLLECTABLE = "uncollectable", _("uncollectable")
    CLOSED = "closed", _("closed by the agency")


class AgencyQuerySet(models.QuerySet["Agency"]):
    def visible_to(self, user: Any) -> AgencyQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))

    def active(self) -> AgencyQuerySet:
        return self.filter(is_active=True)


class Agency(ClusterableModel):
    """Who collects for an issuer (Inkassobüro, Kanzlei).

    One record an issuer: client number, columns and login are agreed for each creditor. Passwords and keys are never
    here but in the settings, found by ``slug`` (``collection.secrets``).
    """

    class Kind(models.TextChoices):
        AGENCY = "agency", _("collection agency")
        LAWYER = "lawyer", _("lawyer")

    class PaidTo(models.TextChoices):
        AGENCY = "agency", _("only to the agency")
        US = "us", _("still to us as well")

    class Delimiter(models.TextChoices):
        SEMICOLON = ";", _("semicolon ;")
        COMMA = ",", _("comma ,")
        TAB = "\t", _("tab")
        BAR = "|", _("bar |")

    class Encoding(models.TextChoices):
        UTF_8_MARKED = "utf-8-sig", _("UTF-8 with byte order mark (Excel)")
        UTF_8 = "utf-8", "UTF-8"
        WINDOWS = "cp1252", "Windows-1252"
        LATIN = "iso-8859-1", "ISO 8859-1 (Latin-1)"

    class Unknown(models.TextChoices):
        REFUSE = "refuse", _("do not hand the claim over, and say why")
        REPLACE = "replace", _("write them in Latin letters, and list them in the manifest")

    class DecimalSign(models.TextChoices):
        COMMA = ",", _("comma: 1234,56")
        POINT = ".", _("point: 1234.56")

    class Dates(models.TextChoices):
        GERMAN = "%d.%m.%Y", "31.12.2026"
        ISO = "%Y-%m-%d", "2026-12-31"
        COMPACT = "%Y%m%d", "20261231"
        SLASHES = "%d/%m/%Y", "31/12/2026"

    class LineEnd(models.TextChoices):
        WINDOWS = "crlf", _("CR LF (Windows)")
        UNIX = "lf", _("LF (Unix)")

    class Quoting(models.TextChoices):
        ALL = "all", _("all cells")
        NEEDED = "needed", _("only where needed")

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("works for"), on_delete=models.PROTECT, related_name="collection_agencies"
    )
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.AGENCY)
    client_number = models.CharField(
        _("our client number"), max_length=40, blank=True, help_text=_("The number it knows the issuer by.")
    )
    street = models.CharField(_("street and number"), max_length=120, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=16, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    country = models.CharField(_("country"), max_length=2, default="DE", validators=[validate_country])
    email = models.EmailField(
        _("e-mail"), blank=True, help_text=_("For people; debtors are told it on the payment page.")
    )
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_default = models.BooleanField(
        _("default"), default=False, help_text=_("Gets what the daily run hands over by itself.")
    )
    minimum_minor = models.BigIntegerField(
        _("smallest claim (minor units)"), default=0, validators=[MinValueValidator(0)]
    )
    paid_to = models.CharField(
        _("debtors pay"),
        max_length=8,
        choices=PaidTo.choices,
        default=PaidTo.AGENCY,
        help_text=_("Once a claim is handed over: what our payment page says."),
    )

    delimiter = models.CharField(
        _("between cells"), max_length=1, choices=Delimiter.choices, default=Delimiter.SEMICOLON
    )
    encoding = models.CharField(
        _("encoding"), max_length=12, choices=Encoding.choices, default=Encoding.UTF_8_MARKED
    )
    unknown_letters = models.CharField(
        _("letters that the encoding lacks"), max_length=8, choices=Unknown.choices, default=Unknown.REFUSE
    )
    decimal_sign = models.CharField(
        _("decimals"), max_length=1, choices=DecimalSign.choices, default=DecimalSign.COMMA
    )
    date_format = models.CharField(_("dates"), max_length=10, choices=Dates.choices, default=Dates.GERMAN)
    line_end = models.CharField(
        _("line ends"), max_length=4, choices=LineEnd.choices, default=LineEnd.WINDOWS
    )
    quoting = models.CharField(
        _("quotation marks"), max_length=8, choices=Quoting.choices, default=Quoting.ALL
    )
    with_header = models.BooleanField(_("first line names the columns"), default=True)
    with_birth_date = models.BooleanField(
        _("birth dates"), default=False, help_text=_("Only where the agency needs them (Art. 5 GDPR).")
    )
    with_bank = models.BooleanField(
        _("bank details"), default=False, help_text=_("Only where the agency needs them (Art. 5 GDPR).")
    )

    transport = models.CharField(
        _("files go by"), max_length=8, choices=Transport.choices, default=Transport.DOWNLOAD
    )
    mail_to = models.EmailField(_("e-mail for files"), blank=True)
    certificate = models.TextField(
        _("certificate"),
        blank=True,
        validators=[keys.validate_certificate],
        help_text=_(
            "The agency's S/MIME certificate (X.509 with an RSA key, PEM). With it mails are encrypted; without "
            "it they are not."
        ),
    )
    sftp_host = models.CharField(_("host"), max_length=120, blank=True)
    sftp_port = models.PositiveIntegerField(
        _("port"), default=22, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    sftp_user = models.CharField(_("user name"), max_length=80, blank=True)
    sftp_folder = models.CharField(
        _("folder"), max_length=200, blank=True, validators=[RegexValidator(_FOLDER)]
    )
    sftp_host_key = models.TextField(
        _("host key"),
        blank=True,
        validators=[keys.validate_host_key],
        help_text=_(
            "One line, such as “ssh-ed25519 AAAA…”, as the agency tells it to you. No other server is sent anything."
        ),
    )
    slug = models.SlugField(
        _("name in the settings"),
        max_length=40,
        unique=True,
        help_text=_(
            "Password or key of the SFTP login are read from the settings or the environment by this name."
        ),
    )

    status_hand_over = models.CharField(_("hand-over number"), max_length=60, default="Uebergabe_ID")
    status_document = models.CharField(_("document number"), max_length=60, default="Belegnummer")
    status_status = models.CharField(_("status"), max_length=60, default="Status")
    status_paid = models.CharField(_("amount paid there"), max_length=60, default="Gezahlt", blank=True)
    status_costs = models.CharField(_("costs"), max_length=60, default="Kosten", blank=True)
    status_date = models.CharField(_("date"), max_length=60, default="Datum", blank=True)
    status_note = models.CharField(_("note"), max_length=60, default="Bemerkung", blank=True)
    book_costs = models.BooleanField(
        _("book its costs on the claim"),
        default=False,
        help_text=_(
            "Unticked: costs are shown only. Tick it where debtors pay here what the agency costs (§ 280 BGB)."
        ),
    )

    minimum = money_of("minimum_minor", "currency")

    objects = AgencyQuerySet.as_manager()

    class Meta:
        verbose_name = _("collection agency")
        verbose_name_plural = _("collection agencies")
        ordering = ["issuer", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["issuer"],
                condition=Q(is_default=True, is_active=True),
                name="one_default_agency_per_issuer",
                violation_error_message=_("The issuer has a default agency already."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def currency(self) -> str:
        return self.issuer.currency

    @property
    def csv_format(self) -> CsvFormat:
        return CsvFormat(
            delimiter=self.delimiter,
            encoding=self.encoding,
            replace_unknown=self.unknown_letters == self.Unknown.REPLACE,
            decimal_sign=self.decimal_sign,
            date_format=self.date_format,
            line_end="\n" if self.line_end == self.LineEnd.UNIX else "\r\n",
            quote_all=self.quoting == self.Quoting.ALL,
            with_header=self.with_header,
        )

    def chosen_columns(self) -> list[tuple[str, str]]:
        """``[(key, heading)]`` in order: the editor's, else all that ship with the package."""
        chosen = [(row.key, row.heading) for row in self.columns.all() if row.key in columns.COLUMNS]
        return columns.headed(chosen)

    def clean(self) -> None:
        wrong: dict[str, Any] = {}
        if self.transport == Transport.MAIL and not self.mail_to:
            wrong["mail_to"] = _("Say which address the files go to.")
        if self.transport == Transport.SFTP:
            needed = ("sftp_host", "sftp_user", "sftp_host_key")
            wrong |= {field: _("Needed for SFTP.") for field in needed if not getattr(self, field)}
        if wrong:
            raise ValidationError(wrong)


class AgencyColumn(Orderable):
    """One column of an agency's file, in the editor's order and with the agency's own heading."""

    agency = ParentalKey(Agency, on_delete=models.CASCADE, related_name="columns")
    key = models.CharField(_("content"), max_length=40, choices=columns.choices)
    heading = models.CharField(_("heading"), max_length=60, blank=True, help_text=_("Empty: the usual one."))

    class Meta(Orderable.Meta):
        verbose_name = _("column")
        verbose_name_plural = _("columns")
        constraints = [
            models.UniqueConstraint(fields=["agency", "key"], name="a_column_is_in_an_agencys_file_once")
        ]

    def __str__(self) -> str:
        return self.heading or self.key


class AgencyStatusWord(models.Model):
    """What the agency writes in its status files, and what it means here."""

    agency = ParentalKey(Agency, on_delete=models.CASCADE, related_name="status_words")
    word = models.CharField(_("the agency writes"), max_length=80)
    status = models.CharField(_("means"), max_length=16, choices=ClaimStatus.choices)

    class Meta:
        verbose_name = _("word for a status")
        verbose_name_plural = _("words for statuses")
        ordering = ["word"]
        constraints = [
            models.UniqueConstraint(fields=["agency", "word"], name="one_meaning_per_agency_and_word")
        ]

    def __str__(self) -> str:
        return self.word
