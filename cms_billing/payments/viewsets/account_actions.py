"""What can be asked of a provider from an account's page: payouts, a report read by hand, a day compared."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from wagtail.admin import messages
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import Action, ActionView, date_text
from cms_billing.core.exceptions import BillingError

from ..models import ProviderAccount
from ..providers import UnknownProvider, get_provider
from ..services import (
    Imported,
    import_payouts,
    next_look,
    read_payout_report,
    start_comparison,
    without_secrets,
)

PERMISSION = "cms_billing_payments.ask_provider"
# Bytes of a report that is given by hand: a month of a large shop.
LARGEST_REPORT = 20_000_000


def tells_payouts(account: ProviderAccount) -> bool:
    try:
        return get_provider(account.provider).capabilities.payouts
    except UnknownProvider:
        return False


def reads_reports(account: ProviderAccount) -> bool:
    try:
        return hasattr(get_provider(account.provider), "read_report")
    except UnknownProvider:
        return False


def lists_payments(account: ProviderAccount) -> bool:
    """A provider that cannot be asked about a payment has no list of them either."""
    return tells_payouts(account) and get_provider(account.provider).capabilities.can_be_asked


ACTIONS = [
    Action(gettext_lazy("Ask for payouts"), "billing-payout:ask", "download", PERMISSION, when=tells_payouts),
    Action(
        gettext_lazy("Compare a day"), "billing-payout:compare", "resubmit", PERMISSION, when=lists_payments
    ),
    Action(gettext_lazy("Read a report"), "billing-payout:report", "upload", PERMISSION, when=reads_reports),
]


class _OfAccount(ActionView):
    """Errors of the provider stand on the form, without a secret should the provider repeat one."""

    model: type[Any] = ProviderAccount
    permission = PERMISSION

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer")

    def today(self) -> date:
        return clock.today(self.object.issuer)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        try:
            message = self.perform(form)
        except BillingError as error:
            form.add_error(None, without_secrets(str(error), self.object))
            return self.form_invalid(form)
        messages.success(self.request, message)
        return redirect(self.back_url())


def _told(imported: Imported) -> str:
    text = ngettext(
        "The provider tells %(n)s payout; new or changed: %(changed)s.",
        "The provider tells %(n)s payouts; new or changed: %(changed)s.",
        imported.told,
    )
    return text % {"n": imported.told, "changed": imported.changed}


class SinceForm(forms.Form):
    since = forms.DateField(label=gettext_lazy("Since"), widget=AdminDateInput)

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_since(self) -> date:
        since = self.cleaned_data["since"]
        if since > self.today:
            raise forms.ValidationError(_("That day is still to come."))
        if (self.today - since).days > 366:
            raise forms.ValidationError(_("Ask for a year at most."))
        return since


class AskPayoutsView(_OfAccount):
    page_title = gettext_lazy("Ask for payouts")
    form_class = SinceForm
    explanation = gettext_lazy("The daily run does this by itself. Nothing is imported twice.")

    def obstacle(self) -> str:
        if tells_payouts(self.object):
            return ""
        return _("The provider of “%(account)s” does not tell what it pays out.") % {"account": self.object}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "today": self.today()}

    def get_initial(self) -> dict[str, Any]:
        return {"since": next_look(self.object, now=clock.now())}

    def perform(self, form: forms.Form) -> str:
        return _told(import_payouts(account=self.object, since=form.cleaned_data["since"], now=clock.now()))


class ReportForm(forms.Form):
    report = forms.FileField(label=gettext_lazy("Report"))

    def clean_report(self) -> Any:
        report = self.cleaned_data["report"]
        if report.size > LARGEST_REPORT:
            raise forms.ValidationError(
                _("The file is larger than %(n)s MB."), params={"n": LARGEST_REPORT // 1_000_000}
            )
        return report


class ReadReportView(_OfAccount):
    page_title = gettext_lazy("Read a report")
    template_name = "cms_billing/payments/admin/report.html"
    form_class = ReportForm
    explanation = gettext_lazy(
        "The settlement report as the provider offers it for download. Read twice, nothing is counted twice."
    )

    def obstacle(self) -> str:
        if reads_reports(self.object):
            return ""
        return _("The provider of “%(account)s” has no reports to read: it is asked for its payouts.") % {
            "account": self.object
        }

    def perform(self, form: forms.Form) -> str:
        content = form.cleaned_data["report"].read()
        return _told(read_payout_report(account=self.object, content=content, now=clock.now()))


class DayForm(forms.Form):
    day = forms.DateField(label=gettext_lazy("Day"), widget=AdminDateInput)

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_day(self) -> date:
        day = self.cleaned_data["day"]
        if day >= self.today:
            raise forms.ValidationError(_("That day is not over yet."))
        return day


class CompareDayView(_OfAccount):
    page_title = gettext_lazy("Compare a day")
    form_class = DayForm
    explanation = gettext_lazy(
        "The provider is asked for all payments of the day. What only one side knows is listed among the differences."
    )

    def obstacle(self) -> str:
        if lists_payments(self.object):
            return ""
        return _("The provider of “%(account)s” has no list of payments to compare with.") % {
            "account": self.object
        }

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "today": self.today()}

    def perform(self, form: forms.Form) -> str:
        comparison = start_comparison(
            user=self.request.user, account=self.object, day=form.cleaned_data["day"]
        )
        return _("The provider is asked about %(day)s; the result is listed under comparisons.") % {
            "day": date_text(comparison.day)
        }
