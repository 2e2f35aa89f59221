"""Number series and tax rates."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms.models import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, FieldRowPanel, HelpPanel, ObjectList
from wagtail.admin.ui.tables import Column
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core.admin import BillingFilterSet, BillingModelViewSet, DateColumn
from cms_billing.core.ui.viewsets import BillingCreateView, BillingEditView

from ..models import NumberSeries, TaxRate
from ..numbers import format_number
from ..services import change_series


def preview_of(series: NumberSeries) -> str:
    """The next number of a series as it will be printed."""
    return format_number(series.format, year=series.year, number=series.next_number)


class IssuerFromAddress(BillingCreateView):
    """``?issuer=7`` fills in the issuer the link came from."""

    def get_initial(self) -> dict[str, Any]:
        initial = super().get_initial()
        issuer = self.request.GET.get("issuer", "")
        return {**initial, "issuer": issuer} if issuer.isdecimal() else initial


class NumberSeriesForm(WagtailAdminModelForm):
    """Issuer, kind and year stand once the series exists; the next number stands once one was taken."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_used = self.instance.pk is not None and self.instance.documents.exists()
        if self.instance.pk is not None:
            for name in ("issuer", "kind", "year"):
                self.fields[name].disabled = True
        if self.is_used:
            self.fields["next_number"].disabled = True
            self.fields["next_number"].help_text = _(
                "Numbers of this series have been taken: the next one follows by itself, so that there is no gap."
            )

    def clean_year(self) -> int:
        year = self.cleaned_data["year"]
        if not 2000 <= year <= 2100:
            raise ValidationError(_("Write the year with four digits, such as 2026."))
        return year

    def clean_format(self) -> str:
        pattern = self.cleaned_data["format"]
        if "{year}" not in pattern:
            raise ValidationError(
                _("Put {year} into the format: counting starts anew each year, and numbers would repeat.")
            )
        return pattern

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        issuer, pattern = data.get("issuer"), data.get("format")
        if issuer and pattern and data.get("year"):
            others = NumberSeries.objects.filter(issuer=issuer, year=data["year"], format=pattern)
            if others.exclude(pk=self.instance.pk).exists():
                self.add_error(
                    "format",
                    _("Another kind of document has this format: their numbers could not be told apart."),
                )
        return data


class NumberSeriesEditView(BillingEditView):
    def save_instance(self) -> NumberSeries:
        """Through the service: a run may be taking numbers while the form is open."""
        data = self.form.cleaned_data
        return change_series(
            series_id=self.object.pk,
            number_format=data["format"],
            next_number=None if self.form.is_used else data["next_number"],
            user=self.request.user,
        )


class NumberSeriesFilterSet(BillingFilterSet):
    class Meta:
        model = NumberSeries
        fields = ["kind", "year"]


class NumberSeriesViewSet(BillingModelViewSet):
    model = NumberSeries
    icon = "list-ol"
    menu_order = 710
    inspect_view_enabled = False
    list_display = [
        "__str__",
        Column("issuer", label=gettext_lazy("Issuer"), sort_key="issuer__name"),
        Column("next", label=gettext_lazy("Next number"), accessor=preview_of),
    ]
    filterset_class = NumberSeriesFilterSet
    edit_handler = ObjectList(
        [
            FieldPanel("issuer"),
            FieldRowPanel([FieldPanel("kind"), FieldPanel("year")]),
            FieldPanel("format"),
            FieldPanel("next_number"),
        ],
        base_form_class=NumberSeriesForm,
    )
    add_view_class = IssuerFromAddress
    edit_view_class = NumberSeriesEditView
    delete_instead = gettext_lazy("Numbers that have been given out are kept.")


class TaxRateForm(WagtailAdminModelForm):
    def clean_country(self) -> str:
        return self.cleaned_data["country"].strip().upper()

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("percent") == 0 and not data.get("notice"):
            self.add_error(
                "notice",
                _("Say on the invoice why no tax is shown, such as the paragraph (§ 14 (4) no. 8 UStG)."),
            )
        return data


class TaxRateFilterSet(BillingFilterSet):
    issuer_path = None

    class Meta:
        model = TaxRate
        fields = ["country", "code"]


class TaxRateViewSet(BillingModelViewSet):
    model = TaxRate
    scoped = False
    icon = "table"
    menu_order = 730
    inspect_view_enabled = False
    list_display = [
        "__str__",
        "country",
        DateColumn("valid_from", label=gettext_lazy("Valid from"), sort_key="valid_from"),
        "notice",
    ]
    filterset_class = TaxRateFilterSet
    edit_handler = ObjectList(
        [
            HelpPanel(
                gettext_lazy(
                    "Rates are dated: when a rate changes, add a new one with its first day and leave the old one. "
                    "Invoices take the rate of the day the service period ends."
                )
            ),
            FieldRowPanel([FieldPanel("country"), FieldPanel("code")]),
            FieldRowPanel([FieldPanel("percent"), FieldPanel("valid_from", widget=AdminDateInput)]),
            FieldPanel("notice"),
        ],
        base_form_class=TaxRateForm,
    )
