"""Asking a provider again: about a payment, a customer, a day; and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from wagtail.admin.ui.tables import Column

from cms_billing.core import clock
from cms_billing.core.admin import (
    Action,
    ActionView,
    BillingFilterSet,
    BillingIndexView,
    DateColumn,
    Fact,
    InspectView,
    ReadOnlyViewSet,
    Section,
    StateColumn,
    TextSection,
    date_text,
)
from cms_billing.core.exceptions import BillingError
from cms_billing.faktura.models import Customer

from ..models import Comparison, Payment
from ..providers import UnknownProvider, get_provider
from ..services import resync, start_comparison, without_secrets
from .actions import customer_url

PERMISSION = "cms_billing_payments.ask_provider"
Work = Comparison.WorkState


def can_be_asked(payment: Payment) -> bool:
    """Whether there is anybody to ask, and something that was sent."""
    if payment.way != Payment.Way.PROVIDER or not (payment.reference or payment.state != "created"):
        return False
    try:
        return bool(get_provider(payment.provider))
    except UnknownProvider:
        return False


class ResyncPaymentView(ActionView):
    """Shows what we believe; after the question, what it was and what it is."""

    model: type[Any] = Payment
    permission = PERMISSION
    page_title = gettext_lazy("Resync with provider")
    explanation = gettext_lazy(
        "The provider is asked what it knows of this payment, and that is booked. Nothing is booked twice."
    )

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "account", "method")

    def obstacle(self) -> str:
        if can_be_asked(self.object):
            return ""
        return _("%(payment)s did not go through a provider that can be asked.") % {"payment": self.object}

    def perform(self, form: forms.Form) -> str:
        payment = self.object
        before = _told_of(payment)
        try:
            is_known = resync(payment, today=clock.today(payment.issuer))
        except BillingError as error:
            if payment.account is None:
                raise
            raise BillingError(without_secrets(str(error), payment.account)) from None
        if not is_known:
            return _("The provider does not know this payment.")
        after = _told_of(Payment.objects.get(pk=payment.pk))
        if before == after:
            return _("Nothing has changed: %(state)s.") % {"state": after}
        return _("Before: %(before)s. Now: %(after)s.") % {"before": before, "after": after}


def _told_of(payment: Payment) -> str:
    parts = [payment.get_state_display(), date_text(payment.received_on), payment.reason]
    if payment.refunded_elsewhere_minor:
        parts.append(_("%(amount)s paid back at the provider") % {"amount": payment.refunded_elsewhere})
    return ", ".join(str(part) for part in parts if part)


class ResyncCustomerView(ActionView):
    model: type[Any] = Customer
    permission = PERMISSION
    page_title = gettext_lazy("Resync with providers")
    explanation = gettext_lazy(
        "The providers are asked about all payments, refunds and visits to their pages that are under way or of the "
        "last 60 days. A worker does it; the result is listed under comparisons."
    )

    def perform(self, form: forms.Form) -> str:
        start_comparison(user=self.request.user, customer=self.object)
        return _("The providers are asked about %(customer)s.") % {"customer": self.object}


def payment_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Resync with provider"),
            "billing-comparison:payment",
            "resubmit",
            PERMISSION,
            when=can_be_asked,
            priority=5,
        )
    ]


def customer_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Resync with providers"),
            "billing-comparison:customer",
            "resubmit",
            PERMISSION,
            when=lambda customer: customer.payments.filter(way=Payment.Way.PROVIDER).exists(),
            priority=20,
        )
    ]


class ComparisonFilterSet(BillingFilterSet):
    class Meta:
        model = Comparison
        fields = ["work_state"]


class ComparisonIndexView(BillingIndexView):
    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer", "account", "issuer")


class ComparisonInspectView(InspectView):
    template_name = "cms_billing/payments/admin/comparison.html"

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer", "account", "started_by")

    def facts(self) -> Iterable[Fact]:
        row = self.object
        tone = {Work.DONE: "good", Work.FAILED: "critical"}.get(row.work_state, "")
        yield Fact(_("State"), row.get_work_state_display(), tone=tone)
        if row.customer is not None:
            yield Fact(_("Customer"), row.customer, url=customer_url(row))
        if row.account is not None:
            url = reverse("billing-provideraccount:inspect", args=[row.account_id])
            yield Fact(pgettext("at a payment provider", "Account"), row.account, url=url)
        yield Fact(_("Day"), date_text(row.day))
        yield Fact(_("Asked about"), row.asked)
        yield Fact(_("Changed"), row.changed)
        if row.day is not None:
            url = f"{reverse('billing-providerdifference:index')}?state=open&account={row.account_id}"
            yield Fact(_("Differences"), row.differing, url=url, tone="warning" if row.differing else "")
        yield Fact(_("Started"), date_text(row.created_at))
        yield Fact(_("By"), row.started_by)
        yield Fact(_("Done at"), date_text(row.done_at))
        yield Fact(_("Last error"), row.last_error, tone="critical")

    def own_sections(self) -> Iterable[Section]:
        if self.object.problems:
            yield TextSection(_("Problems"), "\n".join(self.object.problems), tone="warning")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        goes_on = self.object.work_state in (Work.PENDING, Work.RUNNING)
        return {**super().get_context_data(**kwargs), "goes_on": goes_on}


class ComparisonViewSet(ReadOnlyViewSet):
    model = Comparison
    icon = "resubmit"
    menu_order = 435
    list_display = [
        "__str__",
        DateColumn("created_at", label=gettext_lazy("Started"), sort_key="created_at"),
        StateColumn(
            "work_state",
            label=gettext_lazy("State"),
            accessor="get_work_state_display",
            good=lambda row: row.work_state == Work.DONE,
        ),
        Column("asked", label=gettext_lazy("Asked about")),
        Column("changed", label=gettext_lazy("Changed")),
        Column("differing", label=gettext_lazy("Differences")),
    ]
    ordering = "-id"
    filterset_class = ComparisonFilterSet
    index_view_class = ComparisonIndexView
    inspect_view_class = ComparisonInspectView

    def get_urlpatterns(self) -> list[Any]:
        payment = ResyncPaymentView.as_view(
            index_url_name="billing-payment:index", inspect_url_name="billing-payment:inspect"
        )
        customer = ResyncCustomerView.as_view(
            index_url_name="billing-customer:index", inspect_url_name="billing-customer:inspect"
        )
        return [
            *super().get_urlpatterns(),
            path("payment/<int:pk>/", payment, name="payment"),
            path("customer/<int:pk>/", customer, name="customer"),
        ]
