"""Who sells and who owes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock
from cms_billing.core.money import money_of

from ..addresses import validate_addresses
from ..validators import (
    validate_bic,
    validate_country,
    validate_creditor_id,
    validate_currency,
    validate_iban,
    validate_time_zone,
    validate_vat_id,
)

# The languages documents and mails can be written in; the admin itself speaks the first two.
LANGUAGES = [
    ("de", _("German")),
    ("en", _("English")),
    ("fr", _("French")),
    ("it", _("Italian")),
    ("es", _("Spanish")),
    ("nl", _("Dutch")),
]


class Grouping(models.TextChoices):
    """Which bookings of a customer share an invoice."""

    GROUP = "group", _("an invoice for each contract and order")
    CUSTOMER = "customer", _("all that is due for a customer on one invoice")


class Attach(models.TextChoices):
    """What a mail carries of its document."""

    PDF = "pdf", _("the PDF")
    XML = "xml", _("the e-invoice (XML)")
    BOTH = "pdf_xml", _("PDF and e-invoice (XML)")
    LINK = "link", _("nothing: a link for members, who find it in their account")


class EInvoice(models.TextChoices):
    """Whether invoices are archived as XML too."""

    NONE = "none", _("none: PDF only")
    XML = "xml", _("XML beside the PDF (EN 16931, ZUGFeRD profile)")


# Regions whose ways of writing numbers differ from those of a language's own country.
FORMAT_REGIONS = [
    ("DE", _("Germany")),
    ("AT", _("Austria")),
    ("CH", _("Switzerland")),
    ("GB", _("United Kingdom")),
    ("IE", _("Ireland")),
    ("FR", _("France")),
    ("BE", _("Belgium")),
    ("LU", _("Luxembourg")),
    ("IT", _("Italy")),
    ("ES", _("Spain")),
    ("NL", _("Netherlands")),
]
DATE_STYLES = [
    ("language", _("short, as usual in the language")),
    ("iso", _("2026-01-31 (ISO 8601)")),
    ("long", _("with the month in words")),
]


class IssuerQuerySet(models.QuerySet["Issuer"]):
    def visible_to(self, user: Any) -> IssuerQuerySet:
        """The issuers whose figures ``user`` may see in the admin: all for superusers, else those of their groups."""
        if not user.is_active:
            return self.none()
        if user.is_superuser:
            return self
        return self.filter(groups__in=user.groups.all()).distinct()


class Issuer(models.Model):
    """The legal entity that sells (Rechnungssteller). What an invoice shows of it is copied when it is issued."""

    name = models.CharField(_("short name"), max_length=80, unique=True, help_text=_("Shown in the admin."))
    legal_name = models.CharField(
        _("legal name"),
        max_length=200,
        blank=True,
        help_text=_("Full name as registered, with the legal form."),
    )
    street = models.CharField(_("street and number"), max_length=120, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=16, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    country = models.CharField(_("country"), max_length=2, default="DE", validators=[validate_country])
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    website = models.URLField(_("website"), blank=True)
    tax_number = models.CharField(_("tax number"), max_length=40, blank=True)
    vat_id = models.CharField(_("VAT id"), max_length=20, blank=True, validators=[validate_vat_id])
    register_entry = models.CharField(
        _("register entry"), max_length=120, blank=True, help_text=_("Such as “Amtsgericht Köln, HRB 12345”.")
    )
    managing_directors = models.CharField(_("managing directors"), max_length=200, blank=True)
    small_business = models.BooleanField(
        _("small business without VAT"),
        default=False,
        help_text=_("Exempt under § 19 UStG: invoices show no VAT."),
    )

    account_holder = models.CharField(_("account holder"), max_length=70, blank=True)
    iban = models.CharField(_("IBAN"), max_length=34, blank=True, validators=[validate_iban])
    bic = models.CharField(_("BIC"), max_length=11, blank=True, validators=[validate_bic])
    bank_name = models.CharField(_("bank"), max_length=80, blank=True)
    creditor_id = models.CharField(
        _("SEPA creditor id"), max_length=35, blank=True, validators=[validate_creditor_id]
    )

    currency = models.CharField(_("currency"), max_length=3, default="EUR", validators=[validate_currency])
    language = models.CharField(_("language"), max_length=8, choices=LANGUAGES, default="de")
    format_region = models.CharField(
        _("numbers and dates as in"),
        max_length=2,
        blank=True,
        choices=FORMAT_REGIONS,
        help_text=_("On documents and mails. Empty: as usual in the document's language."),
    )
    date_style = models.CharField(
        _("dates on documents"), max_length=8, choices=DATE_STYLES, default="language"
    )
    time_zone = models.CharField(
        _("time zone"), max_length=40, default="Europe/Berlin", validators=[validate_time_zone]
    )
    payment_days = models.PositiveSmallIntegerField(
        _("days to pay"), default=14, help_text=_("From the invoice date to the due date.")
    )
    draft_days = models.PositiveSmallIntegerField(
        _("days as a draft"),
        default=0,
        help_text=_(
            "Invoices of runs stay drafts for so many days, in which they can be changed. 0: issued at once."
        ),
    )
    invoice_daily = models.BooleanField(
        _("invoice what is due every day"),
        default=True,
        help_text=_(
            "Unticked: only invoice runs make invoices of bookings; orders of the shop are billed at once."
        ),
    )
    grouping = models.CharField(
        _("bookings on one invoice"), max_length=8, choices=Grouping.choices, default=Grouping.GROUP
    )
    use_credit = models.BooleanField(
        _("credit settles what is due"),
        default=True,
        help_text=_(
            "The daily run settles open items with what stands on the customer's account, before it collects anything."
        ),
    )
    write_off_limit_minor = models.BigIntegerField(
        _("write-off limit (minor units)"),
        default=5000,
        help_text=_("Open amounts above it are written off by whoever may do so without limit."),
    )

    write_off_limit = money_of("write_off_limit_minor")

    mail_from = models.EmailField(_("sender address"), blank=True, help_text=_("Empty: the e-mail above."))
    reply_to = models.EmailField(_("reply-to address"), blank=True)
    mail_sender_name = models.CharField(
        _("sender name"), max_length=120, blank=True, help_text=_("Empty: the legal name.")
    )
    mail_copy_to = models.TextField(
        _("copy of every mail to"),
        blank=True,
        validators=[validate_addresses],
        help_text=_("Hidden copies (BCC); several addresses with commas."),
    )
    mail_attach = models.CharField(
        _("attached to mails"), max_length=8, choices=Attach.choices, default=Attach.PDF
    )

    e_invoice = models.CharField(
        _("e-invoice"),
        max_length=8,
        choices=EInvoice.choices,
        default=EInvoice.NONE,
        help_text=_("For invoices and their corrections; corrections of e-invoices always are."),
    )

    sites: models.ManyToManyField = models.ManyToManyField(
        "wagtailcore.Site", verbose_name=_("sites"), blank=True, related_name="billing_issuers"
    )
    groups = models.ManyToManyField(
        Group,
        verbose_name=_("groups"),
        blank=True,
        related_name="billing_issuers",
        help_text=_(
            "Members of these groups see this issuer's customers and documents, within their permissions."
        ),
    )
    is_active = models.BooleanField(_("active"), default=True)

    objects = IssuerQuerySet.as_manager()

    class Meta:
        verbose_name = _("issuer")
        verbose_name_plural = _("issuers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CustomerQuerySet(models.QuerySet["Customer"]):
    def visible_to(self, user: Any) -> CustomerQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))

    def of_user(self, user: Any) -> CustomerQuerySet:
        """A person's own customer records, one an issuer; none for guests."""
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()


class Customer(models.Model):
    """Who owes (Kunde, Debitor): one record an issuer. A person with a login sees all of theirs."""

    class Kind(models.TextChoices):
        CONSUMER = "consumer", _("consumer")
        BUSINESS = "business", _("business")

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="customers"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user account"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="billing_customers",
    )
    number = models.CharField(_("customer number"), max_length=32)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.CONSUMER)
    company = models.CharField(_("company"), max_length=120, blank=True)
    first_name = models.CharField(_("first name"), max_length=80, blank=True)
    last_name = models.CharField(_("last name"), max_length=80, blank=True)
    street = models.CharField(_("street and number"), max_length=120, blank=True)
    address_addition = models.CharField(_("address addition"), max_length=120, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=16, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    country = models.CharField(_("country"), max_length=2, default="DE", validators=[validate_country])
    email = models.EmailField(_("e-mail"), blank=True)
    vat_id = models.CharField(_("VAT id"), max_length=20, blank=True, validators=[validate_vat_id])
    language = models.CharField(_("language"), max_length=8, choices=LANGUAGES, default="de")
    mail_attach = models.CharField(
        _("attached to mails"),
        max_length=8,
        choices=Attach.choices,
        blank=True,
        help_text=_("Empty: as the issuer sends them."),
    )
    grouping = models.CharField(
        _("bookings on one invoice"),
        max_length=8,
        choices=Grouping.choices,
        blank=True,
        help_text=_("Empty: as the issuer does."),
    )
    note = models.TextField(_("note"), blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "number"], name="customer_number_is_unique_per_issuer"),
            models.UniqueConstraint(
                fields=["issuer", "user"],
                condition=models.Q(user__isnull=False),
                name="one_customer_per_issuer_and_user",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}".strip()

    @property
    def name(self) -> str:
        """Company, or the person's name: the first line of an address."""
        return self.company or self.person

    @property
    def person(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def address_lines(self) -> list[str]:
        """As printed in an address window, without empty lines and without the name of the issuer's own country."""
        contact = self.person if self.company and self.person else ""
        lines = [
            self.name,
            contact,
            self.address_addition,
            self.street,
            f"{self.postal_code} {self.city}".strip(),
        ]
        return [line for line in lines if line]


class TaxRate(models.Model):
    """What a tax code meant in a country from a day on. Dated data: a new rate is a new row."""

    class Code(models.TextChoices):
        STANDARD = "standard", _("standard rate")
        REDUCED = "reduced", _("reduced rate")
        ZERO = "zero", _("zero rate")
        EXEMPT = "exempt", _("exempt")

    country = models.CharField(_("country"), max_length=2, default="DE", validators=[validate_country])
    code = models.CharField(_("tax code"), max_length=12, choices=Code.choices)
    percent = models.DecimalField(_("percent"), max_digits=5, decimal_places=2)
    valid_from = models.DateField(_("valid from"))
    notice = models.CharField(
        _("notice on the invoice"), max_length=200, blank=True, help_text=_("Needed where no tax is shown.")
    )

    class Meta:
        verbose_name = _("tax rate")
        verbose_name_plural = _("tax rates")
        ordering = ["country", "code", "-valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["country", "code", "valid_from"], name="one_rate_per_country_code_and_day"
            ),
            models.CheckConstraint(
                condition=models.Q(percent__gte=0) & models.Q(percent__lt=100),
                name="tax_percent_is_between_0_and_100",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country} {self.get_code_display()} {self.percent} %"
