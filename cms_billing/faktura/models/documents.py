"""The numbered paper: documents, their lines and tax groups."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cms_billing.core.models import FrozenModel, FrozenQuerySet
from cms_billing.core.money import Money, money_of

from ..validators import validate_currency
from .bookings import Booking
from .numbers import DocumentKind, NumberSeries
from .parties import Customer, Issuer, TaxRate
from .runs import InvoiceRun


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
    # The pro forma it was made from, or the document it was copied from.
    based_on = models.ForeignKey(
        "self",
        verbose_name=_("made from"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="followers",
        db_index=False,
    )
    is_deposit = models.BooleanField(
        _("deposit"),
        default=False,
        help_text=_("Asks for money before the service; a final invoice deducts it."),
    )
    finalise_on = models.DateField(
        _("issued by itself on"),
        null=True,
        blank=True,
        help_text=_("Drafts only. Empty: a person issues it."),
    )
    invoice_run = models.ForeignKey(
        InvoiceRun,
        verbose_name=_("invoice run"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="documents",
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
            ("credit_document", _("Can issue invoice corrections")),
            ("draft_document", _("Can write and change drafts")),
            ("finalise_document", _("Can issue drafts")),
            ("write_off_document", _("Can write off open amounts within the issuer's limit")),
            ("write_off_without_limit", _("Can write off any open amount")),
            ("settle_account", _("Can settle open items with credit")),
            ("issue_statement", _("Can issue account statements")),
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
            # Whoever sees several issuers reads their documents in one order: the day comes before the issuer.
            models.Index(fields=["-issued_on", "-id", "issuer"], name="document_by_day"),
            models.Index(fields=["gross_minor"], name="document_total"),
            # Counts and adds up the whole list without reading a document.
            models.Index(fields=["issuer", "currency", "kind", "state", "gross_minor"], name="document_sums"),
            models.Index(fields=["customer", "-issued_on"], name="document_by_customer"),
            models.Index(
                fields=["corrects"], condition=Q(corrects__isnull=False), name="document_corrections"
            ),
            models.Index(fields=["based_on"], condition=Q(based_on__isnull=False), name="document_followers"),
            models.Index(
                fields=["issuer", "finalise_on"], condition=Q(state="draft"), name="document_drafts"
            ),
            models.Index(
                fields=["invoice_run"], condition=Q(invoice_run__isnull=False), name="document_by_run"
            ),
        ]

    def __str__(self) -> str:
        if self.state == self.State.DRAFT:
            return _("%(kind)s (draft %(id)s)") % {"kind": self.kind_name, "id": self.pk}
        return f"{self.kind_name} {self.number}".strip()

    @property
    def kind_name(self) -> str:
        """What it is called; a deposit invoice is a kind of its own to those who read it."""
        return str(_("Deposit invoice") if self.is_deposit else self.get_kind_display())

    _was_issued: bool | None = None

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Document:
        document = super().from_db(*args, **kwargs)
        document._was_issued = document.__dict__.get("state") == cls.State.ISSUED
        return document

    @property
    def total(self) -> Money | None:
        """What its lines add up to, what was paid back, or a statement's balance; None for a letter, which only names
        what other documents ask for."""
        if self.kind == DocumentKind.DUNNING_LETTER:
            return None
        if self.kind == DocumentKind.REFUND_RECEIPT:
            return Money(self.extra["refund"]["amount_minor"], self.currency)
        if self.kind == DocumentKind.ACCOUNT_STATEMENT:
            return Money(self.extra["statement"]["closing_minor"], self.currency)
        return self.gross

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
    # Usage or other particulars: [{"date": iso or None, "text": str, "quantity": str or None, "amount_minor": int or
    # None}], printed as the letterhead says.
    details = models.JSONField(_("details"), null=True, blank=True)
    # The deposit invoice that this line of a final invoice takes off (§ 14 (5) UStG).
    deducts = models.ForeignKey(
        Document,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="deductions",
        db_index=False,
    )
    # On corrections: how many units of the corrected line come back with it; 0: only its price is reduced.
    returned = models.DecimalField(_("returned"), max_digits=12, decimal_places=3, null=True, blank=True)
    # On corrections of goods: they go back into stock. None: nobody was asked.
    restock = models.BooleanField(_("back into stock"), null=True, blank=True)
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
            models.Index(fields=["deducts"], condition=Q(deducts__isnull=False), name="line_deducts"),
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
