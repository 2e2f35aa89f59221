"""The issuer: company data, letterhead, bank, numbers, mails, and who may see it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from wagtail.admin.forms.models import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, FieldRowPanel, MultiFieldPanel, ObjectList, TabbedInterface
from wagtail.admin.ui.tables import Column

from cms_billing.core import clock
from cms_billing.core.admin import (
    BillingModelViewSet,
    Fact,
    InspectView,
    LinkColumn,
    StateColumn,
    TableSection,
    TextSection,
)
from cms_billing.core.forms import MoneyField
from cms_billing.core.texts import day_text
from cms_billing.core.ui.sections import Section
from cms_billing.core.ui.viewsets import BillingCreateView, BillingEditView

from .. import rules
from ..exceptions import FIELD_LABELS
from ..models import Issuer, Letterhead
from .letterheads import design_of
from .panels import MailTextsPanel, MissingPanel, NumbersPanel
from .settings import preview_of

# A recipient with everything: what is missing then is missing at the issuer.
_ANYBODY = {"name": "-", "street": "-", "postal_code": "-", "city": "-", "country": "-"}


def missing_of(issuer: Issuer) -> list[str]:
    """What the law asks for and the issuer's data do not say yet, as names of fields for people."""
    facts = {
        name: getattr(issuer, name)
        for name in ("legal_name", "street", "postal_code", "city", "country", "tax_number", "vat_id")
    }
    return [str(FIELD_LABELS[name]) for name in rules.missing_on_invoice(facts, _ANYBODY)]


class IssuerForm(WagtailAdminModelForm):
    write_off_limit = MoneyField(
        label=gettext_lazy("Write-off limit"),
        help_text=gettext_lazy("Open amounts above it are written off by whoever may do so without limit."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = self.fields["write_off_limit"]
        limit.currency = self.instance.currency
        limit.initial = self.instance.write_off_limit

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("write_off_limit") is not None:
            self.instance.write_off_limit_minor = data["write_off_limit"].minor
        return data

    def clean_iban(self) -> str:
        return self.cleaned_data["iban"].replace(" ", "").upper()

    def clean_bic(self) -> str:
        return self.cleaned_data["bic"].replace(" ", "").upper()

    def clean_currency(self) -> str:
        return self.cleaned_data["currency"].strip().upper()

    def clean_payment_days(self) -> int:
        days = self.cleaned_data["payment_days"]
        if days > 365:
            raise ValidationError(_("More than a year to pay cannot be meant."))
        return days

    def clean_groups(self) -> Any:
        """Whoever is no superuser sees issuers through their groups: nobody may lock themselves out."""
        groups = self.cleaned_data["groups"]
        user = self.for_user
        if user and not user.is_superuser:
            mine = set(user.groups.values_list("pk", flat=True))
            if not mine & {group.pk for group in groups}:
                raise ValidationError(
                    _("Choose at least one of your own groups, or you could not see this issuer any more.")
                )
        return groups


def _tab(heading: Any, *panels: Any) -> ObjectList:
    return ObjectList(list(panels), heading=heading)


COMPANY = _tab(
    gettext_lazy("Company"),
    MissingPanel(missing_of),
    MultiFieldPanel(
        [FieldPanel("name"), FieldPanel("legal_name"), FieldPanel("is_active")], heading=gettext_lazy("Name")
    ),
    MultiFieldPanel(
        [
            FieldPanel("street"),
            FieldRowPanel([FieldPanel("postal_code"), FieldPanel("city"), FieldPanel("country")]),
            FieldRowPanel([FieldPanel("email"), FieldPanel("phone")]),
            FieldPanel("website"),
        ],
        heading=gettext_lazy("Address and contact"),
    ),
    MultiFieldPanel(
        [
            FieldRowPanel([FieldPanel("tax_number"), FieldPanel("vat_id")]),
            FieldPanel("small_business"),
            FieldPanel("register_entry"),
            FieldPanel("managing_directors"),
        ],
        heading=gettext_lazy("Tax and register"),
    ),
    MultiFieldPanel(
        [
            FieldRowPanel([FieldPanel("currency"), FieldPanel("language"), FieldPanel("time_zone")]),
            FieldRowPanel([FieldPanel("format_region"), FieldPanel("date_style")]),
            FieldRowPanel([FieldPanel("payment_days"), FieldPanel("write_off_limit")]),
        ],
        heading=pgettext_lazy("billing", "Terms"),
    ),
    MultiFieldPanel(
        [FieldRowPanel([FieldPanel("draft_days"), FieldPanel("grouping")]), FieldPanel("invoice_daily")],
        heading=gettext_lazy("How invoices are made"),
    ),
)
BANK = _tab(
    gettext_lazy("Bank"),
    FieldPanel("account_holder"),
    FieldRowPanel([FieldPanel("iban"), FieldPanel("bic")]),
    FieldPanel("bank_name"),
    FieldPanel("creditor_id"),
)
MAILS = _tab(
    gettext_lazy("E-mail"),
    FieldRowPanel([FieldPanel("mail_sender_name"), FieldPanel("mail_from")]),
    FieldPanel("reply_to"),
    FieldPanel("mail_copy_to", widget=forms.Textarea(attrs={"rows": 2})),
    FieldRowPanel([FieldPanel("mail_attach"), FieldPanel("e_invoice")]),
    MailTextsPanel(),
)
ACCESS = _tab(
    gettext_lazy("Access"),
    FieldPanel("groups", widget=forms.CheckboxSelectMultiple),
    FieldPanel("sites", widget=forms.CheckboxSelectMultiple),
)
NUMBERS = _tab(gettext_lazy("Numbers"), NumbersPanel())


class IssuerInspectView(InspectView):
    extension = "billing_issuer"

    def facts(self) -> Iterable[Fact]:
        issuer = self.object
        return [
            Fact(_("Legal name"), issuer.legal_name),
            Fact(
                _("Address"),
                "\n".join(filter(None, [issuer.street, f"{issuer.postal_code} {issuer.city}".strip()])),
            ),
            Fact(_("Tax number"), issuer.tax_number),
            Fact(_("VAT id"), issuer.vat_id),
            Fact(_("IBAN"), issuer.iban),
            Fact(_("Language"), issuer.get_language_display()),
            Fact(_("Time zone"), issuer.time_zone),
            Fact(_("Today there"), day_text(clock.today(issuer))),
        ]

    def own_sections(self) -> Iterable[Section]:
        if missing := missing_of(self.object):
            text = _("Invoices are not issued until this is filled in: %(fields)s.") % {
                "fields": ", ".join(missing)
            }
            yield TextSection(_("Missing for a lawful invoice"), text, tone="warning")
        columns = [
            Column("kind", label=pgettext("billing", "Document"), accessor="get_kind_display"),
            Column("year", label=_("Year")),
            Column("next", label=_("Next number"), accessor=preview_of),
        ]
        yield TableSection(
            _("Number series"),
            columns,
            self.object.series.all(),
            empty=_("They start with the first document of their kind."),
            url=reverse("billing-numberseries:index"),
        )
        yield TableSection(
            _("Letterheads"),
            [
                LinkColumn(
                    "documents", label=_("Letterhead"), accessor="documents", get_url=self._letterhead_url
                ),
                Column("design", label=_("Design"), accessor=design_of),
            ],
            self.object.letterheads.select_related("issuer"),
            empty=_("Its letters look as the package has them."),
            url=f"{reverse('billing-letterhead:index')}?issuer={self.object.pk}",
        )

    def _letterhead_url(self, row: Letterhead) -> str | None:
        may_change = self.request.user.has_perm("cms_billing_faktura.change_letterhead")
        return reverse("billing-letterhead:edit", args=[row.pk]) if may_change else None


class IssuerCreateView(BillingCreateView):
    def get_initial(self) -> dict[str, Any]:
        user = self.request.user
        mine = [] if user.is_superuser else list(user.groups.all())
        return {**super().get_initial(), "groups": mine}


class IssuerViewSet(BillingModelViewSet):
    model = Issuer
    icon = "home"
    menu_label = gettext_lazy("Issuers")
    menu_order = 700
    add_to_reference_index = True
    list_display = [
        "name",
        "legal_name",
        "city",
        "currency",
        StateColumn(
            "is_active",
            label=gettext_lazy("State"),
            accessor=lambda issuer: _("active") if issuer.is_active else _("inactive"),
            good=lambda issuer: issuer.is_active,
        ),
    ]
    search_fields = ["name", "legal_name", "city"]
    edit_handler = TabbedInterface([COMPANY, BANK, NUMBERS, MAILS, ACCESS], base_form_class=IssuerForm)
    add_view_class = IssuerCreateView
    edit_view_class = BillingEditView
    inspect_view_class = IssuerInspectView
    delete_instead = gettext_lazy(
        "What has been issued has to be kept by law. Untick “active” to stop billing for this issuer."
    )
