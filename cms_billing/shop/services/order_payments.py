"""Oscar's payment sources, transactions and payment events, kept in step with our payments.

Computed anew from our rows each time, under the lock of the order: said twice nothing is written twice. Money of ours
is never changed here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import override
from oscar.core.loading import get_model

from cms_billing.core.money import Money
from cms_billing.payments.models import Allocation, Payment, Refund
from cms_billing.payments.providers import UnknownProvider, get_provider
from cms_billing.payments.selectors import name_of_way

from ..models import OrderMovement, OrderPayment
from ..selectors import documents_of_order, orders_of_payment, orders_of_refund

AUTHORISE, DEBIT, REFUND, CHARGEBACK = "Authorise", "Debit", "Refund", "Chargeback"
PAID, REFUNDED, CHARGED_BACK = "paid", "refunded", "charged-back"
# Never sent, or about to be: there is nothing to show yet.
_UNSEEN = (Payment.State.CREATED, Payment.State.WITHDRAWN)


def show_payment(*, payment_id: int) -> None:
    """After commit: every order that the payment was for shows it as it stands now."""
    for pk in orders_of_payment(payment_id):
        show_payments_of_order(order_id=pk)


def show_refund(*, refund_id: int) -> None:
    for pk in orders_of_refund(refund_id):
        show_payments_of_order(order_id=pk)


@transaction.atomic
def show_payments_of_order(*, order_id: int) -> None:
    """All payments and refunds of an order, in the language of the site; called again it changes nothing."""
    orders = get_model("order", "Order").objects.select_for_update(no_key=True, of=("self",))
    order = orders.get(pk=order_id)
    documents = set(documents_of_order(order).values_list("pk", flat=True))
    with override(settings.LANGUAGE_CODE):
        shown = [_show(order, payment, documents) for payment in _payments(order, documents)]
        for refund in _refunds(shown, documents):
            _show_refund(shown, refund)
        for one in shown:
            _add_up(one)


def _payments(order: Any, documents: Collection[int]) -> Sequence[Payment]:
    """Those that settled the order's documents, or were asked for them."""
    part = Q(allocations__document__in=documents) | Q(document__in=documents)
    part |= Q(session__checkout_attempt__order=order)
    rows = Payment.objects.filter(part).exclude(state__in=_UNSEEN)
    return list(rows.select_related("method", "customer").distinct().order_by("pk"))


def _show(order: Any, payment: Payment, documents: Collection[int]) -> OrderPayment:
    shown = OrderPayment.objects.select_related("source").filter(order=order, payment=payment).first()
    if shown is None:
        source = get_model("payment", "Source").objects.create(
            order=order, source_type=_source_type(payment), currency=payment.currency
        )
        shown = OrderPayment.objects.create(order=order, payment=payment, source=source)
    shown.payment = payment
    _show_asking(shown)
    known = set(shown.movements.values_list("allocation_id", flat=True))
    for allocation in payment.allocations.filter(document__in=documents).order_by("pk"):
        if allocation.pk not in known:
            _show_allocation(shown, allocation)
    return shown


def _show_asking(shown: OrderPayment) -> None:
    """A payment that took time or was refused: what was asked for, and how that stands."""
    payment = shown.payment
    movement = shown.movements.filter(allocation=None, refund=None).select_related("transaction").first()
    status = _status(payment)
    if movement is None and payment.state in (Payment.State.PENDING, Payment.State.FAILED):
        movement = _write(shown, AUTHORISE, payment.amount, payment.reference, status)
    if movement is not None and movement.transaction.status != status:
        movement.transaction.status = status
        movement.transaction.save(update_fields=["status"])


def _show_allocation(shown: OrderPayment, allocation: Allocation) -> None:
    """Money that came in is a debit, money that went back a chargeback below zero."""
    amount = Money(allocation.amount_minor, shown.payment.currency)
    kind, event = (DEBIT, PAID) if amount.minor > 0 else (CHARGEBACK, CHARGED_BACK)
    movement = _write(
        shown, kind, amount, shown.payment.reference, _status(shown.payment), allocation=allocation
    )
    _tell(movement, event)


def _refunds(shown: Sequence[OrderPayment], documents: Collection[int]) -> Iterable[Refund]:
    """For the order's corrections, or of payments that were for nothing but this order."""
    payments = [one.payment_id for one in shown]
    others = Allocation.objects.filter(payment__in=payments).exclude(document__in=documents)
    mixed = set(others.exclude(document=None).values_list("payment_id", flat=True))
    mine = Q(document__in=documents) | Q(
        document=None, payment__in=[pk for pk in payments if pk not in mixed]
    )
    known = Q(shown_on_orders__shown__in=shown)
    told = Q(state__in=[Refund.State.PENDING, Refund.State.PAID])
    return Refund.objects.filter(mine & (told | known)).distinct().order_by("pk")


def _show_refund(shown: Sequence[OrderPayment], refund: Refund) -> None:
    """On the payment it goes back by; a transfer on the order's first payment. Nothing without one."""
    by_payment = {one.payment_id: one for one in shown}
    one = by_payment.get(refund.payment_id or 0) or next(iter(shown), None)
    if one is None:
        return
    movement = (
        OrderMovement.objects.filter(shown__in=shown, refund=refund).select_related("transaction").first()
    )
    if movement is None:
        movement = _write(one, REFUND, refund.amount, refund.reference, _status(refund), refund=refund)
    elif (movement.transaction.status, movement.transaction.reference) != (_status(refund), refund.reference):
        movement.transaction.status, movement.transaction.reference = _status(refund), refund.reference
        movement.transaction.save(update_fields=["status", "reference"])
    if refund.state == Refund.State.PAID and movement.event_id is None:
        _tell(movement, REFUNDED)
    elif refund.state != Refund.State.PAID and movement.event is not None:
        # The bank sent it back: the customer has not been refunded.
        movement.event.delete()


def _add_up(shown: OrderPayment) -> None:
    """The sums of the source: asked for or received, what is with us of it, what was paid back."""
    source, currency = shown.source, shown.payment.currency
    rows = shown.movements.select_related("transaction", "refund")
    debited = sum(row.transaction.amount for row in rows if row.allocation_id)
    received = sum(row.transaction.amount for row in rows if row.allocation_id and row.transaction.amount > 0)
    asked = shown.payment.amount.amount if shown.payment.state == Payment.State.PENDING else 0
    refunded = sum(
        row.transaction.amount
        for row in rows
        if row.refund is not None and row.refund.state == Refund.State.PAID
    )
    source.amount_allocated = received or asked
    source.amount_debited, source.amount_refunded = debited, refunded
    source.currency = currency
    source.reference = shown.payment.reference or shown.payment.note[:255]
    source.label = name_of_way(shown.payment)[:128]
    source.save()


def _write(
    shown: OrderPayment, kind: str, amount: Money, reference: str, status: str, **movement: Any
) -> OrderMovement:
    row = get_model("payment", "Transaction").objects.create(
        source=shown.source, txn_type=kind, amount=amount.amount, reference=reference, status=status
    )
    return OrderMovement.objects.create(shown=shown, transaction=row, **movement)


def _tell(movement: OrderMovement, code: str) -> None:
    """A payment event of the order; of all its lines where the order is paid as a whole."""
    order, row = movement.shown.order, movement.transaction
    event = order.payment_events.create(
        event_type=_event_type(code), amount=row.amount, reference=row.reference
    )
    if abs(row.amount) >= order.total_incl_tax:
        for line in order.lines.all():
            event.line_quantities.create(line=line, quantity=line.quantity)
    movement.event = event
    movement.save(update_fields=["event"])


def _status(row: Payment | Refund) -> str:
    return str(row.get_state_display())[:128]


def _source_type(payment: Payment) -> Any:
    """“Stripe”, “Bank transfer”, …: one a provider, and one a way that people enter by hand."""
    if payment.way == Payment.Way.PROVIDER:
        return _named(get_model("payment", "SourceType"), payment.provider, _provider_name(payment.provider))
    return _named(get_model("payment", "SourceType"), payment.way, capfirst(payment.get_way_display()))


def _provider_name(code: str) -> str:
    try:
        return str(get_provider(code).label)
    except UnknownProvider:
        return code


def _event_type(code: str) -> Any:
    names = {PAID: _("Paid"), REFUNDED: _("Refunded"), CHARGED_BACK: _("Charged back")}
    return _named(get_model("order", "PaymentEventType"), code, names[code])


def _named(model: Any, code: str, name: str) -> Any:
    """By its code; made once, whoever is first. A type of the shop's own with that name is taken."""
    found = model.objects.filter(code=code).first() or model.objects.filter(name=name).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return model.objects.create(code=code, name=name)
    except IntegrityError:
        return model.objects.get(Q(code=code) | Q(name=name))
