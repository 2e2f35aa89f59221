"""Stored cards and accounts on the customer's page, and the button that asks the providers about them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import Action, ActionView, DateColumn, Section, StateColumn, TableSection
from cms_billing.core.exceptions import BillingError
from cms_billing.faktura.models import Customer

from ..models import Payer, PaymentMethod
from ..providers import UnknownProvider, get_provider
from ..services import sync_methods

SYNC = "cms_billing_payments.sync_paymentmethod"


class SyncMethodsView(ActionView):
    """Asks every account that knows the customer as a payer; one that is silent does not keep the others."""

    model: type[Any] = Customer
    permission = SYNC
    page_title = gettext_lazy("Update payment methods")
    explanation = gettext_lazy(
        "The payment services are asked which cards and accounts they keep for this customer: renewed ones get their "
        "new expiry date, and revoked ones are not charged any more."
    )

    def obstacle(self) -> str:
        if payers_of(self.object):
            return ""
        return _("No payment service knows %(customer)s yet.") % {"customer": self.object}

    def perform(self, form: forms.Form) -> str:
        problems = []
        for payer in payers_of(self.object):
            try:
                sync_methods(payer)
            except BillingError as error:
                problems.append(str(error))
        if problems:
            raise BillingError(" ".join(problems))
        return _("The payment methods are up to date.")


def payers_of(customer: Customer) -> list[Payer]:
    """As whom the providers know the customer: by login, and as the guest of each page that stored something."""
    found = Payer.objects.filter(payment_methods__customer=customer) | Payer.objects.filter(
        payment_sessions__customer=customer, payment_sessions__stores_method=True
    )
    return list(found.select_related("account").distinct().order_by("pk"))


def method_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Update payment methods"),
            "billing-payment:sync_methods",
            "rotate",
            SYNC,
            when=lambda customer: customer.payment_methods.filter(payer__isnull=False).exists(),
        )
    ]


def methods_of_customer(request: Any, customer: Customer) -> Iterable[Section]:
    if not request.user.has_perm("cms_billing_payments.view_paymentmethod"):
        return
    # "usable" comes after "revoked" in the alphabet.
    methods = customer.payment_methods.select_related("account").order_by("-state", "-is_default", "-pk")
    if rows := list(methods[:20]):
        yield _section(rows)


def _section(rows: list[PaymentMethod]) -> Section:
    return TableSection(
        _("Payment methods"),
        [
            Column("method", label=pgettext("of payment", "Method"), accessor=str),
            Column("kind", label=_("Kind"), accessor="get_kind_display"),
            Column("provider", label=_("Payment provider"), accessor=_provider),
            Column("expires", label=_("Expires"), accessor=_expires),
            StateColumn(
                "state",
                label=_("State"),
                accessor=_state,
                good=lambda row: row.state == PaymentMethod.State.USABLE,
            ),
            Column("reason", label=_("Reason"), accessor=_reason),
            DateColumn("created_at", label=_("Stored")),
        ],
        rows,
    )


def _provider(method: PaymentMethod) -> str:
    if method.account_id:
        return str(method.account)
    try:
        return str(get_provider(method.provider).label)
    except UnknownProvider:
        return method.provider


def _expires(method: PaymentMethod) -> str:
    return date_format(method.expires_on, "m/y") if method.expires_on else ""


def _state(method: PaymentMethod) -> str:
    if method.state == PaymentMethod.State.USABLE and method.is_default:
        return _("usable, default")
    return method.get_state_display()


def _reason(method: PaymentMethod) -> str:
    """Who ended it and why, the provider's own words included."""
    by = method.get_revoked_by_display() if method.revoked_by else ""
    return ": ".join(filter(None, [by, method.state_reason]))
