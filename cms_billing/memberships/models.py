"""What is sold for a time, and who has it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from modelcluster.fields import ParentalKey
from modelcluster.models import ClusterableModel

from cms_billing.core import clock
from cms_billing.core.money import money_of
from cms_billing.core.texts import amount_text, day_text
from cms_billing.faktura.models import Customer, Issuer, TaxRate
from cms_billing.faktura.validators import validate_currency

from .schedule import Interval

INTERVALS = [
    (Interval.MONTHLY.value, _("monthly")),
    (Interval.QUARTERLY.value, _("quarterly")),
    (Interval.HALF_YEARLY.value, _("half-yearly")),
    (Interval.YEARLY.value, _("yearly")),
    (Interval.ONCE.value, _("once")),
    (Interval.INSTALMENTS.value, _("in instalments")),
]


class PlanQuerySet(models.QuerySet["Plan"]):
    def visible_to(self, user: Any) -> PlanQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class Plan(ClusterableModel):
    """What is sold: a membership or a course. It has dated prices, and pages can be opened by it (see paywall)."""

    class Kind(models.TextChoices):
        MEMBERSHIP = "membership", _("membership")
        COURSE = "course", _("course")

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="plans"
    )
    code = models.SlugField(_("code"), max_length=40, help_text=_("Short name for imports and settings."))
    name = models.CharField(_("name"), max_length=120, help_text=_("As members read it, also on invoices."))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.MEMBERSHIP)
    interval = models.CharField(
        _("interval"), max_length=12, choices=INTERVALS, default=Interval.MONTHLY.value
    )
    instalments = models.PositiveSmallIntegerField(
        _("number of instalments"), default=1, validators=[MinValueValidator(1), MaxValueValidator(120)]
    )
    tax_code = models.CharField(
        _("tax code"), max_length=12, choices=TaxRate.Code.choices, default=TaxRate.Code.STANDARD
    )
    is_active = models.BooleanField(_("on sale"), default=True)

    objects = PlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "code"], name="plan_code_is_unique_per_issuer")
        ]

    def __str__(self) -> str:
        return self.name


class PlanPrice(models.Model):
    """What a plan costs from a day on. A contract keeps the price it was made at."""

    plan = ParentalKey(Plan, verbose_name=_("plan"), on_delete=models.CASCADE, related_name="prices")
    valid_from = models.DateField(_("valid from"))
    amount_minor = models.BigIntegerField(
        _("price (minor units)"),
        validators=[MinValueValidator(0)],
        help_text=_("Of one period, or of all instalments."),
    )
    currency = models.CharField(_("currency"), max_length=3, default="EUR", validators=[validate_currency])
    includes_tax = models.BooleanField(_("includes tax"), default=True)

    amount = money_of("amount_minor")

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        ordering = ["plan", "-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "valid_from"], name="one_price_per_plan_and_day"),
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="a_price_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{amount_text(self.amount)} ({day_text(self.valid_from)})"


class ContractQuerySet(models.QuerySet["Contract"]):
    def visible_to(self, user: Any) -> ContractQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))

    def of_user(self, user: Any) -> ContractQuerySet:
        return self.filter(customer__user_id=user.pk) if user.is_authenticated else self.none()


class Contract(models.Model):
    """One customer's running plan (Vertrag). Its lines say what is billed when."""

    class State(models.TextChoices):
        PENDING = "pending", _("waiting to start")
        ACTIVE = "active", _("active")
        TERMINATED = "terminated", _("terminated, runs out")
        ENDED = "ended", _("ended")

    # Allowed steps; the services look here before they change anything.
    TRANSITIONS = {
        State.PENDING: {State.ACTIVE, State.ENDED},
        State.ACTIVE: {State.TERMINATED, State.ENDED},
        State.TERMINATED: {State.ACTIVE, State.ENDED},
        State.ENDED: set(),
    }
    BILLABLE = (State.ACTIVE, State.TERMINATED)

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="contracts"
    )
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="contracts"
    )
    plan = models.ForeignKey(Plan, verbose_name=_("plan"), on_delete=models.PROTECT, related_name="contracts")
    number = models.CharField(_("contract number"), max_length=32)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.ACTIVE)
    start = models.DateField(_("start"))
    end = models.DateField(_("last day"), null=True, blank=True)
    # What sold it, in the words of the app above: an order number, an import.
    origin = models.CharField(_("origin"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    objects = ContractQuerySet.as_manager()

    class Meta:
        verbose_name = _("contract")
        verbose_name_plural = _("contracts")
        ordering = ["-id"]
        permissions = [("terminate_contract", _("Can terminate contracts"))]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "number"], name="contract_number_is_unique_per_issuer"),
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(end__gte=F("start")), name="contract_ends_after_it_starts"
            ),
        ]
        indexes = [models.Index(fields=["customer", "state"], name="contract_by_customer")]

    def __str__(self) -> str:
        return f"{self.number} {self.plan}"


class ContractLine(models.Model):
    """What a contract bills, with the price it was sold at. ``next_due`` is the first period not yet booked."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="lines")
    description = models.CharField(_("description"), max_length=200)
    interval = models.CharField(_("interval"), max_length=12, choices=INTERVALS)
    instalments = models.PositiveSmallIntegerField(_("number of instalments"), default=1)
    anchor = models.DateField(_("first period from"))
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3, default=1)
    price_minor = models.BigIntegerField(_("price (minor units)"))
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    prices_include_tax = models.BooleanField(_("price includes tax"), default=True)
    tax_code = models.CharField(_("tax code"), max_length=12, choices=TaxRate.Code.choices)
    next_due = models.DateField(
        _("next due"), null=True, blank=True, help_text=_("Empty: nothing more to bill.")
    )

    price = money_of("price_minor")

    class Meta:
        verbose_name = _("contract line")
        verbose_name_plural = _("contract lines")
        ordering = ["contract", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(price_minor__gte=0), name="line_price_is_not_negative")
        ]
        indexes = [
            models.Index(
                fields=["id", "next_due"], condition=Q(next_due__isnull=False), name="contract_line_due"
            )
        ]

    def __str__(self) -> str:
        return self.description


class ContractChange(models.Model):
    """History of a contract: one row a step, never changed."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField(_("at"), default=clock.now)
    effective_on = models.DateField(_("effective on"))
    from_state = models.CharField(pgettext_lazy("state", "from"), max_length=10, blank=True)
    to_state = models.CharField(pgettext_lazy("state", "to"), max_length=10, choices=Contract.State.choices)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = _("contract change")
        verbose_name_plural = _("contract changes")
        ordering = ["contract", "id"]

    def __str__(self) -> str:
        return f"{self.contract}: {self.from_state} → {self.to_state}"


class ContractFileQuerySet(models.QuerySet["ContractFile"]):
    def visible_to(self, user: Any) -> ContractFileQuerySet:
        return self.filter(issuer__in=Issuer.objects.visible_to(user))


class ContractFile(models.Model):
    """A file somebody uploaded to import contracts from. Its content is kept until it is imported or a day is over."""

    issuer = models.ForeignKey(
        Issuer, verbose_name=_("issuer"), on_delete=models.PROTECT, related_name="contract_files"
    )
    name = models.CharField(_("file"), max_length=200)
    data = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    uploaded_at = models.DateTimeField(_("uploaded"), default=clock.now)
    imported_at = models.DateTimeField(_("imported"), null=True, blank=True)
    contracts = models.PositiveIntegerField(_("contracts"), default=0)
    customers = models.PositiveIntegerField(_("new customers"), default=0)

    objects = ContractFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("contract file")
        verbose_name_plural = _("contract files")
        ordering = ["-id"]
        default_permissions = ()
        permissions = [("import_contracts", _("Can import contracts"))]

    def __str__(self) -> str:
        return self.name
