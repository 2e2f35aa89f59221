"""Base rates: one row a half-year; the to-do list says when the running one is missing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms.models import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, FieldRowPanel, HelpPanel, ObjectList
from wagtail.admin.ui.tables import Column
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import BillingModelViewSet, DateColumn, TableSection
from cms_billing.faktura.models import Issuer

from ..models import BaseRate, Procedure


def half_year_of(day: date) -> date:
    """The day its base rate is from (§ 247 (1) BGB)."""
    return date(day.year, 1 if day.month < 7 else 7, 1)


class BaseRateForm(WagtailAdminModelForm):
    def clean_valid_from(self) -> date:
        day = self.cleaned_data["valid_from"]
        if day != half_year_of(day):
            raise ValidationError(_("The base rate changes on 1 January and on 1 July."))
        return day


class BaseRateViewSet(BillingModelViewSet):
    model = BaseRate
    scoped = False
    name = "billing-base-rate"
    icon = "history"
    menu_label = gettext_lazy("Base rates")
    menu_order = 570
    inspect_view_enabled = False
    list_display = [
        DateColumn("valid_from", label=gettext_lazy("Valid from"), sort_key="valid_from"),
        Column("percent", label=gettext_lazy("Percent a year"), sort_key="percent"),
        "source",
    ]
    search_fields = ["source"]
    ordering = "-valid_from"
    edit_handler = ObjectList(
        [
            HelpPanel(
                content=gettext_lazy(
                    "The Bundesbank announces the base rate of § 247 BGB for 1 January and 1 July. Enter it also where "
                    "it stays as it was. What has been claimed in letters stays as it is."
                )
            ),
            FieldRowPanel([FieldPanel("valid_from", widget=AdminDateInput), FieldPanel("percent")]),
            FieldPanel("source"),
        ],
        base_form_class=BaseRateForm,
    )


def missing_rate(request: Any) -> Iterable[TableSection]:
    """On the to-do list of whoever may enter it, while a procedure of theirs counts interest."""
    if not request.user.has_perm("cms_billing_dunning.add_baserate"):
        return
    since = half_year_of(clock.today())
    issuers = Issuer.objects.visible_to(request.user)
    counting = Procedure.objects.filter(
        issuer__in=issuers, is_active=True, interest_points__isnull=False, levels__claims_interest=True
    )
    if BaseRate.objects.filter(valid_from=since).exists() or not counting.exists():
        return
    last = BaseRate.objects.filter(valid_from__lt=since).first()
    yield TableSection(
        _("Base rate for interest"),
        [
            DateColumn("valid_from", label=_("Last known, from")),
            Column("percent", label=_("Percent a year")),
        ],
        [last] if last else [],
        note=_("The base rate of this half-year is not known. Interest goes on with the last one that is."),
        empty=_("No base rate is known: no interest is claimed."),
        url=reverse("billing-base-rate:add"),
        url_label=_("Enter the base rate"),
    )
