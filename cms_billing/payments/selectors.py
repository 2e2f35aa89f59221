"""Reads about money that may go back, for services, views and the apps above."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext as _

from cms_billing.core.money import Money
from cms_billing.faktura.epc import epc_payload
from cms_billing.faktura.models import Customer, Document
from cms_billing.faktura.services import credit_on_account

from .models import (
    Payment,
    PaymentMethod,
    PaymentSession,
    ProviderAccount,
    Refund,
    SessionDocument,
    StatementDay,
    WebhookEvent,
)
from .providers import UnknownProvider, all_providers, get_provider
from .rules import Refundable

# What counts against a payment and its customer's credit: paid back, or about to be.
COUNTED = (Refund.State.CREATED, Refund.State.PENDING, Refund.State.PAID)
# A page that was left behind keeps nobody from collecting for longer than this.
PAYERS_STAY = timedelta(days=1)
UNDER_WAY = (Payment.State.CREATED, Payment.State.PENDING)


def promised_back(customer_id: int, currency: str) -> int:
    """Minor units of the customer's credit that refunds under way have taken."""
    return _sum(Refund.objects.under_way().filter(customer_id=customer_id, currency=currency))


def left_of_payment(payment: Payment) -> Money:
    """Settled, less what was charged back and what was paid back or is about to be."""
    held = _sum(payment.allocations.all())
    gone = _sum(payment.refunds.filter(state__in=COUNTED)) + payment.refunded_elsewhere_minor
    return Money(max(0, held - gone), payment.currency)


def is_covered_by_payment(refund: Refund) -> bool:
    """Whether the payment still holds what this refund and all others take of it."""
    if refund.payment is None:
        return True
    gone = _sum(refund.payment.refunds.filter(state__in=COUNTED)) + refund.payment.refunded_elsewhere_minor
    return gone <= _sum(refund.payment.allocations.all())


def refundable(*, customer_id: int, currency: str, payment: Payment | None = None) -> Refundable:
    return Refundable(
        credit=credit_on_account(customer_id=customer_id, currency=currency).minor,
        promised=promised_back(customer_id, currency),
        left_of_payment=left_of_payment(payment).minor if payment else None,
    )


@dataclass(frozen=True)
class WayBack:
    """A payment through which money can go back, and how much."""

    payment: Payment
    left: Money


def ways_back(customer: Customer, *, currency: str, document: Document | None = None) -> list[WayBack]:
    """Payments whose provider pays back, with what is left of them; those of the corrected document come first.

    A constant number of queries; the latest 20 payments are looked at.
    """
    codes = [code for code, provider in all_providers().items() if provider.capabilities.refunds]
    payments = list(
        customer.payments.filter(state=Payment.State.SETTLED, provider__in=codes, currency=currency)
        .exclude(reference="")
        .select_related("method")
        .order_by("-received_on", "-id")[:20]
    )
    sums = _sums_by_payment(payments)
    corrected = {document.pk, document.corrects_id} - {None} if document else set()
    own = set(
        customer.payments.filter(
            pk__in=[p.pk for p in payments], allocations__document__in=corrected
        ).values_list("pk", flat=True)
    )
    ways = [
        WayBack(payment, Money(left, currency))
        for payment in payments
        if (left := sums[payment.pk] - payment.refunded_elsewhere_minor) > 0
    ]
    return sorted(ways, key=lambda way: way.payment.pk not in own)


def _sums_by_payment(payments: Sequence[Payment]) -> dict[int, int]:
    pks = [payment.pk for payment in payments]
    sums = dict.fromkeys(pks, 0)
    held = Payment.objects.filter(pk__in=pks).order_by().values_list("pk")
    for pk, minor in held.annotate(s=Sum("allocations__amount_minor")):
        sums[pk] += minor or 0
    gone = Refund.objects.filter(payment__in=pks, state__in=COUNTED).order_by().values_list("payment")
    for pk, minor in gone.annotate(s=Sum("amount_minor")):
        sums[pk] -= minor
    return sums


def pays_back(payment: Payment) -> bool:
    """Whether money can go back through this payment's provider."""
    if payment.way != Payment.Way.PROVIDER or not payment.reference:
        return False
    try:
        return get_provider(payment.provider).capabilities.refunds
    except UnknownProvider:
        return False


def name_of_way(payment: Payment) -> str:
    """Such as “Visa •••• 4242”, or the provider's name, in the active language."""
    if payment.method_id and payment.method and payment.method.label:
        return payment.method.label
    try:
        return str(get_provider(payment.provider).label)
    except UnknownProvider:
        return payment.provider or payment.get_way_display()


def purpose_of_transfer(refund: Refund) -> str:
    """What the customer's bank statement shows, in the active language."""
    number = refund.document.number if refund.document else ""
    return _("Refund %(what)s") % {"what": f"{number} {refund.customer.number}".strip()}


def epc_of_transfer(refund: Refund) -> str | None:
    """The text of the QR code that fills in the transfer in a banking app; None for other currencies than the euro."""
    return epc_payload(
        name=refund.account_holder,
        iban=refund.iban,
        bic="",
        amount=refund.amount,
        purpose=purpose_of_transfer(refund),
    )


def history_of(account_id: int | None, references: Sequence[str]) -> list[bytes]:
    """The verified bodies of the account's webhooks that spoke of one of ``references``, as they came."""
    known = [reference for reference in references if reference]
    events = WebhookEvent.objects.filter(account_id=account_id, named__reference__in=known)
    return [bytes(body) for body in events.order_by("pk").distinct().values_list("body", flat=True)]


def reports_told(account: ProviderAccount, *, since: date) -> list[bytes]:
    """The verified bodies of the account's webhooks that announce a report, for providers that cannot be asked."""
    names = getattr(get_provider(account.provider), "payout_references", ())
    events = WebhookEvent.objects.filter(
        account=account,
        named__reference__in=names,
        received_at__gte=datetime.combine(since, time.min, tzinfo=UTC),
    )
    return [bytes(body) for body in events.order_by("pk").distinct().values_list("body", flat=True)]


def money_on_its_way() -> Q:
    """Of ``SessionDocument``: what was paid on the page is under way, or here and about to be booked."""
    money = PaymentSession.Money
    waiting = Q(session__payment=None, session__money__in=[money.PENDING, money.SETTLED])
    return Q(session__state=PaymentSession.State.COMPLETED) & (
        waiting | Q(session__payment__state__in=UNDER_WAY)
    )


def on_a_page(*, now: datetime) -> Q:
    """Of ``SessionDocument``: money on its way, or a payer who may be on the provider's page just now."""
    lately = now - PAYERS_STAY
    return money_on_its_way() | Q(
        session__state__in=[PaymentSession.State.CREATED, PaymentSession.State.OPEN],
        session__created_at__gt=lately,
    )


def documents_being_paid(document_ids: Collection[int]) -> set[int]:
    """Those for which a charge is under way, or money from a provider's page: nobody shall pay them again."""
    charged = Payment.objects.filter(document__in=document_ids, state__in=UNDER_WAY)
    paid = SessionDocument.objects.filter(money_on_its_way(), document__in=document_ids)
    return {pk for pk in charged.values_list("document_id", flat=True) if pk} | set(
        paid.values_list("document_id", flat=True)
    )


def collecting_methods(customer_ids: Collection[int]) -> dict[int, PaymentMethod]:
    """By customer: the card or account from which we collect by ourselves."""
    collecting = [code for code, provider in all_providers().items() if provider.capabilities.charges]
    methods = PaymentMethod.objects.filter(
        customer__in=customer_ids,
        state=PaymentMethod.State.USABLE,
        is_default=True,
        provider__in=collecting,
    )
    return {method.customer_id: method for method in methods}


def asked_for(payment: Payment) -> list[int]:
    """The document a charge was made for, or those a payer chose on the payment page."""
    if payment.document_id:
        return [payment.document_id]
    if payment.session_id is None:
        return []
    chosen = SessionDocument.objects.filter(session=payment.session_id).order_by("position", "pk")
    return list(chosen.values_list("document_id", flat=True))


def statements_through(issuer_id: int) -> date | None:
    """The day up to which the issuer's bank statements have been looked through; None: nobody has said."""
    return StatementDay.objects.filter(issuer=issuer_id).values_list("through", flat=True).first()


def refunded_elsewhere() -> QuerySet[Payment]:
    """Payments of which the provider paid back more than we know of: somebody has to enter it."""
    return Payment.objects.filter(refunded_elsewhere_minor__gt=0)


def _sum(rows: QuerySet[Any]) -> int:
    return rows.aggregate(s=Sum("amount_minor"))["s"] or 0
