"""Transfers to make: what to type into the bank's form, or to scan with its app, and several ticked off at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import date_text
from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money

from ..claims import qr_code_of
from ..models import Refund
from ..selectors import epc_of_transfer, purpose_of_transfer
from ..services import mark_transferred

# Each has a QR code of its own: more do not fit a page.
SHOWN = 50


@dataclass(frozen=True)
class Transfer:
    """One row of the page: everything the bank's form asks for."""

    refund: Refund
    purpose: str
    qr_code: SafeString | None
    url: str


class DayForm(forms.Form):
    day = forms.DateField(label=gettext_lazy("Transferred on"), widget=AdminDateInput)


class TransfersView(WagtailAdminTemplateMixin, TemplateView):
    template_name = "cms_billing/payments/admin/transfers.html"
    page_title = gettext_lazy("Transfers to make")
    header_icon = "list-ul"
    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not request.user.has_perm("cms_billing_payments.refund_payment"):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def rows(self) -> QuerySet[Refund]:
        visible: Any = Refund.objects.visible_to(self.request.user)
        return (
            visible.to_transfer().select_related("customer", "document", "issuer").order_by("issuer_id", "pk")
        )

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        refunds = {"url": reverse("billing-refund:index"), "label": _("Refunds")}
        return [*self.breadcrumbs_items, refunds, {"url": "", "label": self.page_title}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = list(self.rows()[: SHOWN + 1])
        form = kwargs.pop("form", None) or DayForm(initial={"day": clock.today()})
        return {
            **super().get_context_data(**kwargs),
            "transfers": [_transfer(row) for row in rows[:SHOWN]],
            "totals": _totals(rows[:SHOWN]),
            "more": self.rows().count() - SHOWN if len(rows) > SHOWN else 0,
            "form": form,
            "media": form.media,
            "chosen": {int(pk) for pk in self.request.POST.getlist("refund") if pk.isdigit()},
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = DayForm(request.POST)
        chosen = {pk for pk in request.POST.getlist("refund") if pk.isdigit()}
        if not chosen:
            form.add_error(None, _("Tick the transfers that you have made."))
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        done = 0
        for refund in self.rows().filter(pk__in=chosen):
            done += self._mark(refund, form.cleaned_data["day"])
        if done:
            text = ngettext(
                "%(n)s transfer of %(day)s is booked.", "%(n)s transfers of %(day)s are booked.", done
            )
            messages.success(request, text % {"n": done, "day": date_text(form.cleaned_data["day"])})
        return redirect("billing-refund:transfers")

    def _mark(self, refund: Refund, day: Any) -> bool:
        try:
            mark_transferred(
                refund_id=refund.pk,
                paid_on=day,
                today=clock.today(refund.issuer),
                user=self.request.user,
            )
        except BillingError as error:
            messages.error(self.request, f"{refund.customer}: {error}")
            return False
        return True


def _transfer(refund: Refund) -> Transfer:
    with translation.override(refund.customer.language):
        purpose, payload = purpose_of_transfer(refund), epc_of_transfer(refund)
    url = reverse("billing-refund:inspect", args=[refund.pk])
    return Transfer(refund, purpose, qr_code_of(payload), url)


def _totals(refunds: list[Refund]) -> list[Money]:
    sums: dict[str, int] = {}
    for refund in refunds:
        sums[refund.currency] = sums.get(refund.currency, 0) + refund.amount_minor
    return [Money(minor, currency) for currency, minor in sums.items()]
