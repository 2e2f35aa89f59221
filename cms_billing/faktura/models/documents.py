"""From the amount that became due to the numbered paper."""

from __future__ import annotations

from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cms_billing.core import clock
from cms_billing.core.models import FrozenModel, FrozenQuerySet
from cms_billing.core.money import Money, money_of

from ..numbers import validate_number_format
from ..validators import validate_currency
from .parties import Customer, Issuer, TaxRate


class DocumentKind(models.TextChoices):
    INVOICE = "invoice", _("invoice")
    CANCELLATION = "cancellation", _("cancellation")
    CREDIT_NOTE = "credit_note", _("credit note")
    DUNNING_LETTER = "dunning_letter", _("reminder")


class BookingQuerySet(models.QuerySet["Booking"]):
    def visible_to(self, user: Any) -> BookingQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class Booking(models.Model):
    """One amount that became due (Buchung): waits for its invoice, at most one a source, service period and kind.

    ``source`` names the row above that owes it (``contract_line``, ``order_line``, ``manual``) and ``source_id`` its
    primary key: faktura does not know contracts or orders. Bookings of one customer with the same ``invoice_group``
    that became due on the same day go on one invoice. ``contract_reference`` is the number of the contract it pays for.
    """

    class State(models.TextChoices):
        OPEN = "open", _("to be billed")
        BILLED = "billed", _("billed")
        VOID = "void", _("void")

    # Foreign keys of the tables a run writes have no index of their own where another index begins with them, or where
    # nobody looks them up: every index costs each of thousands of rows.
    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="bookings", db_index=False
    )
    customer = models.ForeignKey(
        Customer,
        verbose_name=_("customer"),
        on_delete=models.PROTECT,
        related_name="bookings",
        db_index=False,
    )
    source = models.CharField(_("source"), max_length=20)
    source_id = models.BigIntegerField(_("source id"))
    kind = models.CharField(_("kind"), max_length=20, default="recurring")
    period_start = models.DateField(_("service period from"))
    period_end = models.DateField(_("service period to"))
    due_on = models.DateField(_("due on"))
    invoice_group = models.CharField(_("invoice group"), max_length=64)
    contract_reference = models.CharField(_("contract"), max_length=32, blank=True)
    description = models.CharField(_("description"), max_length=255)
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3, default=1)
    unit_price_minor = models.BigIntegerField(_("unit price (minor units)"))
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    prices_include_tax = models.BooleanField(_("price includes tax"), default=True)
    tax_code = models.CharField(_("tax code"), max_length=12, choices=TaxRate.Code.choices)
    state = models.CharField(_("state"), max_length=6, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    unit_price = money_of("unit_price_minor")

    objects = BookingQuerySet.as_manager()

    class Meta:
        verbose_name = _("booking")
        verbose_name_plural = _("bookings")
        ordering = ["due_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_id", "period_start", "kind"],
                name="one_booking_per_source_period_and_kind",
            ),
            models.CheckConstraint(
                condition=Q(period_end__gte=models.F("period_start")), name="booking_period_runs_forward"
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "due_on"], condition=Q(state="open"), name="booking_open"),
            models.Index(fields=["contract_reference", "issuer"], name="booking_contract"),
        ]

    def __str__(self) -> str:
        return f"{self.description} ({self.period_start} – {self.period_end})"


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


class IssuerSnapshot(FrozenModel):
    """What the issuer's data were when documents were issued; one row a version, shared by its documents."""

    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="snapshots")
    sha256 = models.CharField(max_length=64)
    data = models.JSONField()

    objects = FrozenQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "sha256"], name="one_snapshot_per_issuer_and_content")
        ]


class DocumentQuerySet(FrozenQuerySet):
    def visible_to(self, user: Any) -> DocumentQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))

    def of_user(self, user: Any) -> DocumentQuerySet:
        """What a member may see of their own: issued documents only."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(customer__user_id=user.pk, state=Document.State.ISSUED)


class Document(FrozenModel):
    """A numbered paper (Beleg). Issued means frozen: row, lines and tax groups never change; ``OpenItem`` does."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        ISSUED = "issued", _("issued")

    Kind = DocumentKind

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="documents", db_index=False
    )
    customer = models.ForeignKey(
        Customer,
        verbose_name=_("customer"),
        on_delete=models.PROTECT,
        related_name="documents",
        db_index=False,
    )
    kind = models.CharField(_("kind"), max_length=20, choices=DocumentKind.choices)
    state = models.CharField(_("state"), max_length=6, choices=State.choices, default=State.DRAFT)
    series = models.ForeignKey(
        NumberSeries,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="documents",
        db_index=False,
    )
    sequence = models.PositiveIntegerField(_("sequence"), null=True, blank=True)
    number = models.CharField(_("number"), max_length=60, blank=True)
    issued_on = models.DateField(_("date"), null=True, blank=True)
    issued_at = models.DateTimeField(_("issued at"), null=True, blank=True)
    due_on = models.DateField(_("due on"), null=True, blank=True)
    service_start = models.DateField(_("service period from"), null=True, blank=True)
    service_end = models.DateField(_("service period to"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    prices_include_tax = models.BooleanField(_("prices include tax"), default=True)
    net_minor = models.BigIntegerField(_("net (minor units)"), default=0)
    tax_minor = models.BigIntegerField(_("tax (minor units)"), default=0)
    gross_minor = models.BigIntegerField(_("gross (minor units)"), default=0)
    line_count = models.PositiveIntegerField(_("lines"), default=0)
    language = models.CharField(_("language"), max_length=8, default="de")
    recipient_name = models.CharField(_("recipient"), max_length=200, blank=True)
    recipient_address = models.TextField(
        _("address"), blank=True, help_text=_("One line of the address a line.")
    )
    recipient_country = models.CharField(_("country"), max_length=2, blank=True)
    recipient_vat_id = models.CharField(_("VAT id"), max_length=20, blank=True)
    recipient_email = models.EmailField(_("e-mail"), blank=True)
    snapshot = models.ForeignKey(
        IssuerSnapshot, null=True, on_delete=models.PROTECT, related_name="documents", db_index=False
    )
    corrects = models.ForeignKey(
        "self",
        verbose_name=_("corrects"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="corrections",
        db_index=False,
    )
    # What only some kinds have, frozen like the rest: notices, the claims and texts of a dunning letter, the reason
    # of a correction. Plain JSON, written once by the service that issues.
    extra = models.JSONField(default=dict, blank=True)

    net = money_of("net_minor")
    tax = money_of("tax_minor")
    gross = money_of("gross_minor")

    objects = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("billing", "document")
        verbose_name_plural = pgettext_lazy("billing", "documents")
        ordering = ["-issued_on", "-id"]
        permissions = [
            ("cancel_document", _("Can cancel documents")),
            ("send_document", _("Can send documents again")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "number"],
                condition=~Q(number=""),
                name="document_number_is_unique_per_issuer",
            ),
            models.UniqueConstraint(fields=["series", "sequence"], name="sequence_is_unique_per_series"),
            models.CheckConstraint(
                condition=Q(state="draft")
                | (~Q(number="") & Q(sequence__isnull=False) & Q(issued_on__isnull=False)),
                name="issued_documents_have_number_and_date",
            ),
            models.CheckConstraint(
                condition=Q(gross_minor=models.F("net_minor") + models.F("tax_minor")),
                name="document_adds_up",
            ),
            models.UniqueConstraint(
                fields=["corrects"], condition=Q(kind="cancellation"), name="a_document_is_cancelled_once"
            ),
        ]
        indexes = [
            models.Index(fields=["issuer", "-issued_on", "-id"], name="document_by_date"),
            models.Index(fields=["customer", "-issued_on"], name="document_by_customer"),
            models.Index(
                fields=["corrects"], condition=Q(corrects__isnull=False), name="document_corrections"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}".strip()

    _was_issued: bool | None = None

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Document:
        document = super().from_db(*args, **kwargs)
        document._was_issued = document.__dict__.get("state") == cls.State.ISSUED
        return document

    @property
    def total(self) -> Money | None:
        """What its lines add up to; None for a letter, which only names what other documents ask for."""
        return None if self.kind == DocumentKind.DUNNING_LETTER else self.gross

    @property
    def is_frozen(self) -> bool:
        if self._was_issued is None:
            return self.pk is not None and self.state == self.State.ISSUED
        return self._was_issued


class DocumentLine(models.Model):
    """One position. ``unit_price_minor`` is net or gross as the document's ``prices_include_tax`` says."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.PositiveIntegerField(_("position"))
    booking = models.ForeignKey(
        Booking, null=True, blank=True, on_delete=models.PROTECT, related_name="document_lines"
    )
    contract_reference = models.CharField(_("contract"), max_length=32, blank=True)
    description = models.CharField(_("description"), max_length=255)
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3, default=1)
    unit_price_minor = models.BigIntegerField(_("unit price (minor units)"))
    tax_code = models.CharField(_("tax code"), max_length=12, choices=TaxRate.Code.choices)
    tax_percent = models.DecimalField(_("tax percent"), max_digits=5, decimal_places=2)
    net_minor = models.BigIntegerField(_("net (minor units)"))
    tax_minor = models.BigIntegerField(_("tax (minor units)"))
    gross_minor = models.BigIntegerField(_("gross (minor units)"))
    service_start = models.DateField(pgettext_lazy("period", "from"), null=True, blank=True)
    service_end = models.DateField(pgettext_lazy("period", "to"), null=True, blank=True)
    corrects_line = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="correction_lines",
        db_index=False,
    )

    unit_price = money_of("unit_price_minor", "document.currency")
    net = money_of("net_minor", "document.currency")
    tax = money_of("tax_minor", "document.currency")
    gross = money_of("gross_minor", "document.currency")

    class Meta:
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        ordering = ["document", "position"]
        constraints = [
            models.UniqueConstraint(fields=["document", "position"], name="one_line_per_position"),
            models.CheckConstraint(
                condition=Q(gross_minor=models.F("net_minor") + models.F("tax_minor")), name="line_adds_up"
            ),
        ]
        indexes = [
            models.Index(
                fields=["contract_reference"], condition=~Q(contract_reference=""), name="line_contract"
            ),
            models.Index(
                fields=["corrects_line"], condition=Q(corrects_line__isnull=False), name="line_corrected"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.description}"


class TaxGroup(models.Model):
    """The document's sums for one tax code and percentage."""

    document = models.ForeignKey(
        Document, on_delete=models.CASCADE, related_name="tax_groups", db_index=False
    )
    tax_code = models.CharField(_("tax code"), max_length=12, choices=TaxRate.Code.choices)
    tax_percent = models.DecimalField(_("tax percent"), max_digits=5, decimal_places=2)
    net_minor = models.BigIntegerField(_("net (minor units)"))
    tax_minor = models.BigIntegerField(_("tax (minor units)"))
    gross_minor = models.BigIntegerField(_("gross (minor units)"))
    notice = models.CharField(_("notice"), max_length=200, blank=True)

    net = money_of("net_minor", "document.currency")
    tax = money_of("tax_minor", "document.currency")
    gross = money_of("gross_minor", "document.currency")

    class Meta:
        verbose_name = _("tax group")
        verbose_name_plural = _("tax groups")
        ordering = ["document", "-tax_percent", "tax_code"]
        constraints = [
            models.UniqueConstraint(
                fields=["document", "tax_code", "tax_percent"], name="one_group_per_document_code_and_percent"
            )
        ]

    def __str__(self) -> str:
        return f"{self.tax_percent} % {self.net}"
