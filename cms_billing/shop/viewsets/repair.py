"""The repair inbox: money that was paid on a page and found no order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.forms import CheckboxSelectMultiple, Form
from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from wagtail.admin.ui.tables import Column

from cms_billing.core.admin import (
    Action,
    ActionView,
    BillingFilterSet,
    DateColumn,
    Fact,
    InspectView,
    LinkColumn,
    MoneyColumn,
    ReadOnlyViewSet,
    Section,
    TableSection,
    date_text,
    money_text,
)
from cms_billing.core.money import Money
from cms_billing.core.ui.viewsets import BillingIndexView
from cms_billing.payments.models import PaymentSession

from ..models import CheckoutAttempt
from ..repairing import complete_session, pay_session_back

REPAIR = "cms_billing_payments.repair_paymentsession"
_RELATED = ("issuer", "account", "customer", "user", "checkout_attempt__user")


def own_url(row: PaymentSession) -> str:
    return reverse("billing-stray-payment:inspect", args=[row.pk])


def attempt_of(row: PaymentSession) -> CheckoutAttempt | None:
    return getattr(row, "checkout_attempt", None)


def payer_text(row: PaymentSession) -> str:
    """Name and e-mail as the buyer gave them."""
    attempt = attempt_of(row)
    if attempt is None:
        return str(row.customer or row.user or "")
    address = attempt.billing_address or attempt.shipping_address
    name = f"{address.get('first_name', '')} {address.get('last_name', '')}".strip()
    email = attempt.guest_email or (attempt.user.email if attempt.user else "")
    return ", ".join(part for part in (name, email) if part)


def reason_text(row: PaymentSession) -> str:
    return row.problem or row.last_error


def is_stray(row: PaymentSession) -> bool:
    return PaymentSession.objects.to_repair().filter(pk=row.pk).exists()


class StrayPaymentFilterSet(BillingFilterSet):
    purpose = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Purpose"), choices=PaymentSession.Purpose.choices, widget=CheckboxSelectMultiple
    )
    money = django_filters.MultipleChoiceFilter(
        label=gettext_lazy("Money"),
        choices=[choice for choice in PaymentSession.Money.choices if choice[0] in ("pending", "settled")],
        widget=CheckboxSelectMultiple,
    )

    class Meta:
        model = PaymentSession
        fields = ["purpose", "money"]


class StrayPaymentIndexView(BillingIndexView):
    page_title = gettext_lazy("Stray payments")

    def get_base_queryset(self) -> QuerySet[Any]:
        return super().get_base_queryset().filter(pk__in=PaymentSession.objects.to_repair())

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related(*_RELATED)


class StrayPaymentInspectView(InspectView):
    extension = "billing_stray_payment"
    actions = [
        Action(
            pgettext_lazy("an order", "Complete"),
            "billing-stray-payment:complete",
            "check",
            REPAIR,
            when=is_stray,
        ),
        Action(gettext_lazy("Pay back"), "billing-stray-payment:pay_back", "resubmit", REPAIR, when=is_stray),
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related(*_RELATED)

    def facts(self) -> Iterable[Fact]:
        row = self.object
        yield Fact(_("Why it has no order"), reason_text(row), tone="critical")
        yield Fact(_("Amount"), money_text(row.amount))
        yield Fact(_("Money"), row.get_money_display())
        yield Fact(_("Paid by"), payer_text(row))
        yield Fact(_("Paid for"), row.get_purpose_display())
        yield Fact(_("Account at the provider"), row.account)
        yield Fact(_("Provider's reference"), row.payment_reference or row.reference)
        yield Fact(_("Issuer"), row.issuer)
        yield Fact(_("Completed"), date_text(row.completed_at))

    def own_sections(self) -> Iterable[Section]:
        attempt = attempt_of(self.object)
        if attempt is None:
            return
        yield TableSection(
            _("What was ordered"),
            [
                Column("title", label=_("Product"), accessor=lambda line: line["title"]),
                Column(
                    "quantity",
                    label=pgettext("how many", "Number"),
                    accessor=lambda line: str(line["quantity"]),
                ),
                Column(
                    "total",
                    label=_("Total"),
                    accessor=lambda line: money_text(Money.of(line["total"], self.object.currency)),
                ),
            ],
            attempt.lines,
            empty=_("Nothing is known of it."),
        )


class _RepairView(ActionView):
    permission = REPAIR

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related(*_RELATED)

    def obstacle(self) -> str:
        if is_stray(self.object):
            return ""
        return _("%(payment)s needs no repair any more.") % {"payment": self.object}

    def back_url(self) -> str:
        return reverse("billing-stray-payment:index")


class CompleteView(_RepairView):
    page_title = gettext_lazy("Complete the order")
    action_label = pgettext_lazy("an order", "Complete")
    explanation = gettext_lazy(
        "The order is placed with the addresses and at the prices the buyer was shown, and its invoice is paid with "
        "this payment. If goods were missing, add them to the stock first."
    )

    def perform(self, form: Form) -> str:
        complete_session(self.object, user=self.request.user)
        return _("%(payment)s is completed.") % {"payment": self.object}


class PayBackStrayView(_RepairView):
    page_title = gettext_lazy("Pay back")
    action_label = gettext_lazy("Pay back")
    is_dangerous = True
    explanation = gettext_lazy(
        "Nothing is ordered. The money is booked on the buyer's account and goes back the way it came."
    )

    def perform(self, form: Form) -> str:
        refund = pay_session_back(self.object, user=self.request.user, reason=reason_text(self.object)[:200])
        return _("%(amount)s go back to %(customer)s.") % {
            "amount": money_text(refund.amount),
            "customer": refund.customer,
        }


class StrayPaymentViewSet(ReadOnlyViewSet):
    model = PaymentSession
    name = "billing-stray-payment"
    icon = "warning"
    menu_label = gettext_lazy("Stray payments")
    menu_order = 405
    list_display = [
        LinkColumn("amount", label=gettext_lazy("Payment"), accessor=str, get_url=own_url),
        Column("payer", label=gettext_lazy("Paid by"), accessor=payer_text),
        DateColumn("completed_at", label=gettext_lazy("Date"), sort_key="completed_at"),
        Column("money", label=gettext_lazy("Money"), accessor="get_money_display"),
        Column("reason", label=gettext_lazy("Why it has no order"), accessor=reason_text),
        MoneyColumn("value", label=gettext_lazy("Amount"), accessor="amount"),
    ]
    ordering = "-id"
    search_fields = ["reference", "payment_reference", "problem"]
    filterset_class = StrayPaymentFilterSet
    index_view_class = StrayPaymentIndexView
    inspect_view_class = StrayPaymentInspectView

    def get_urlpatterns(self) -> list[Any]:
        return [
            *super().get_urlpatterns(),
            path("complete/<int:pk>/", self.construct_view(CompleteView), name="complete"),
            path("pay-back/<int:pk>/", self.construct_view(PayBackStrayView), name="pay_back"),
        ]


def stray_payments_to_do(request: HttpRequest) -> Iterable[Section]:
    """For the to-do list."""
    if not request.user.has_perm(REPAIR):
        return
    rows = PaymentSession.objects.visible_to(request.user).to_repair()
    shown = list(rows.select_related(*_RELATED).order_by("pk")[:20])
    count = rows.count() if shown else 0
    yield TableSection(
        _("Stray payments (%(count)d)") % {"count": count} if count else _("Stray payments"),
        [
            LinkColumn("payment", label=_("Payment"), accessor=str, get_url=own_url),
            Column("payer", label=_("Paid by"), accessor=payer_text),
            Column("reason", label=_("Why it has no order"), accessor=reason_text),
            DateColumn("completed_at", label=_("Date")),
            MoneyColumn("amount", label=_("Amount")),
        ],
        shown,
        empty=_("Every payment has found its order."),
        url=reverse("billing-stray-payment:index"),
        url_label=_("All stray payments"),
    )
