"""Forms of invoice runs and of their schedules."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms.models import WagtailAdminModelForm
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import rows_visible_to
from cms_billing.core.texts import day_text

from ..models import Customer, InvoiceRun, Issuer, RunSchedule

# What bookings come from, as ``Booking.source`` has it; others can be typed into the address.
SOURCES = [
    ("", gettext_lazy("everything")),
    ("contract_line", gettext_lazy("contracts")),
    ("order_line", gettext_lazy("orders of the shop")),
    ("manual", gettext_lazy("entries by hand")),
]


class RunForm(forms.Form):
    """Which bookings become invoices, and what of: drafts or invoices."""

    issuer = forms.ModelChoiceField(
        label=gettext_lazy("Issuer"), queryset=Issuer.objects.none(), empty_label=None
    )
    period_start = forms.DateField(label=gettext_lazy("Due from"), widget=AdminDateInput)
    period_end = forms.DateField(
        label=gettext_lazy("Due to"),
        widget=AdminDateInput,
        help_text=gettext_lazy("Today at the latest: what is not due yet is not billed."),
    )
    customer_kind = forms.ChoiceField(
        label=gettext_lazy("Customers"),
        required=False,
        choices=[("", gettext_lazy("all")), *Customer.Kind.choices],
    )
    source = forms.ChoiceField(label=gettext_lazy("What was sold"), required=False, choices=SOURCES)
    contract = forms.CharField(
        label=gettext_lazy("Contract number"),
        required=False,
        max_length=32,
        help_text=gettext_lazy("Contracts whose number begins like this. Empty: all."),
    )
    result = forms.ChoiceField(
        label=gettext_lazy("Result"),
        choices=InvoiceRun.Result.choices,
        initial=InvoiceRun.Result.DRAFTS,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["issuer"].queryset = rows_visible_to(Issuer, user).filter(is_active=True)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        issuer, start, end = (data.get(name) for name in ("issuer", "period_start", "period_end"))
        if start and end and end < start:
            self.add_error("period_end", _("A period cannot end before it has begun."))
        elif issuer and end and end > clock.today(issuer):
            self.add_error(
                "period_end",
                _("Write %(today)s at the latest: what is not due yet is not billed.")
                % {"today": day_text(clock.today(issuer))},
            )
        return data

    def run(self) -> InvoiceRun:
        """The run as it would be, not saved."""
        return InvoiceRun(**self.cleaned_data)


def usual_period(today: datetime.date) -> dict[str, datetime.date]:
    """From the first day of the month before, so that nothing of it is forgotten."""
    last_month = today.replace(day=1) - datetime.timedelta(days=1)
    return {"period_start": last_month.replace(day=1), "period_end": today}


class ScheduleForm(WagtailAdminModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.fields["issuer"].disabled = True

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("every") == RunSchedule.Every.WEEK and (data.get("day") or 0) > 7:
            self.add_error("day", _("A week has seven days: write 1 for Monday up to 7 for Sunday."))
        return data
