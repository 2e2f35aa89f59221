"""Reads: what an order sold, whose it is to bill, and which papers came of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from oscar.core.loading import get_model

from cms_billing.core.money import Money
from cms_billing.faktura.models import Booking, Document, DocumentKind, DocumentLine, Issuer, TaxRate
from cms_billing.faktura.selectors import with_standing
from cms_billing.memberships.models import Contract, ContractLine
from cms_billing.memberships.services.booking import SOURCE as CONTRACT_LINE

from .exceptions import NoIssuer
from .models import PartnerIssuer, PlanProduct, ProductClassTax, StockMovement
from .rules import SoldLine

ORDER_LINE = "order_line"
ORDER_EXTRA = "order_extra"
_SALE_AND_BACK = [DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE, DocumentKind.CANCELLATION]


def invoice_group(order: Any) -> str:
    return f"order {order.number}"


def sold_lines(order: Any) -> list[SoldLine]:
    """The lines of an order with issuer, plan and tax code; raises NoIssuer."""
    lines = list(order.lines.select_related("product__product_class", "product__parent", "partner"))
    plans = plans_of(line.product_id for line in lines)
    taxes = tax_codes()
    issuers = issuers_by_partner()
    sold = []
    for position, line in enumerate(lines, start=1):
        plan = plans.get(line.product_id)
        product_class = line.product.get_product_class() if line.product else None
        issuer_id = plan.issuer_id if plan else issuers.get(line.partner_id) or the_only_issuer(line.partner)
        sold.append(
            SoldLine(
                id=line.pk,
                position=position,
                title=line.title,
                quantity=line.quantity,
                gross_minor=Money.of(line.line_price_incl_tax, order.currency).minor,
                tax_code=plan.tax_code if plan else taxes.get(_pk(product_class), TaxRate.Code.STANDARD),
                issuer_id=issuer_id,
                plan_id=plan.pk if plan else None,
                is_shipped=bool(product_class and product_class.requires_shipping),
            )
        )
    return sold


def plans_of(product_ids: Iterable[int | None]) -> dict[int, Any]:
    rows = PlanProduct.objects.filter(product_id__in=[pk for pk in product_ids if pk])
    return {row.product_id: row.plan for row in rows.select_related("plan__issuer")}


def tax_codes() -> dict[int | None, str]:
    return dict(ProductClassTax.objects.values_list("product_class_id", "tax_code"))


def issuers_by_partner() -> dict[int | None, int]:
    return dict(PartnerIssuer.objects.values_list("partner_id", "issuer_id"))


def the_only_issuer(partner: Any) -> int:
    """Where the site has one issuer, it invoices for every partner; raises NoIssuer where it has more or none."""
    issuers = list(Issuer.objects.filter(is_active=True).values_list("pk", flat=True)[:2])
    if len(issuers) != 1:
        raise NoIssuer(partner=partner)
    return issuers[0]


def sells_plans(basket: Any) -> bool:
    """Does the basket hold a plan? Then its buyer needs an account."""
    products = [line.product_id for line in basket.all_lines()]
    return bool(products) and PlanProduct.objects.filter(product__in=products).exists()


def contracts_of_order(order: Any) -> QuerySet[Contract]:
    return Contract.objects.filter(order_contract__line__order=order).select_related("plan", "issuer")


def documents_of_order(order: Any) -> QuerySet[Document]:
    """The invoices of an order and what corrects them, oldest first; ready for ``faktura.selectors``."""
    bookings = Booking.objects.filter(bookings_of_order(order))
    invoices = Document.objects.filter(lines__booking__in=bookings, state=Document.State.ISSUED)
    found = set(invoices.values_list("pk", flat=True))
    return with_standing(Document.objects.filter(Q(pk__in=found) | Q(corrects__in=found))).order_by("pk")


def invoices_of_order(order: Any, issuer_id: int) -> list[int]:
    """Ids of what one issuer invoiced of an order."""
    invoices = documents_of_order(order).filter(kind=DocumentKind.INVOICE, issuer=issuer_id)
    return list(invoices.values_list("pk", flat=True))


def issuers_of_basket(basket: Any) -> set[int]:
    """Who would invoice what is in the basket; raises NoIssuer."""
    lines = [line for line in basket.all_lines() if line.stockrecord is not None]
    plans = plans_of(line.product_id for line in lines)
    issuers = issuers_by_partner()
    return {
        plans[line.product_id].issuer_id
        if line.product_id in plans
        else issuers.get(line.stockrecord.partner_id) or the_only_issuer(line.stockrecord.partner)
        for line in lines
    }


def bookings_of_order(order: Any) -> Q:
    """Goods, shipping, and the first periods of the contracts it signed."""
    first_periods = ContractLine.objects.filter(contract__order_contract__line__order=order)
    starts = first_periods.annotate(first=F("anchor")).values_list("pk", "first")
    sources = Q(source=ORDER_LINE, source_id__in=list(order.lines.values_list("pk", flat=True)))
    sources |= Q(source=ORDER_EXTRA, source_id=order.pk)
    for pk, first in starts:
        sources |= Q(source=CONTRACT_LINE, source_id=pk, period_start=first)
    return sources


def orders_of_document(document_id: int) -> QuerySet[Any]:
    """The orders that an invoice, or what a correction corrects, was made for."""
    lines = DocumentLine.objects.filter(Q(document=document_id) | Q(document__corrections=document_id))
    sources: dict[str, set[int]] = {ORDER_LINE: set(), ORDER_EXTRA: set(), CONTRACT_LINE: set()}
    bookings = Booking.objects.filter(document_lines__in=lines, source__in=sources)
    for source, source_id in bookings.values_list("source", "source_id"):
        sources[source].add(source_id)
    contracts = ContractLine.objects.filter(pk__in=sources[CONTRACT_LINE]).values("contract")
    order_lines = get_model("order", "Line").objects.filter(
        Q(pk__in=sources[ORDER_LINE]) | Q(billing_contracts__contract__in=contracts)
    )
    orders = get_model("order", "Order").objects
    return orders.filter(Q(pk__in=order_lines.values("order")) | Q(pk__in=sources[ORDER_EXTRA]))


def orders_of_payment(payment_id: int) -> list[int]:
    """Ids of the orders that a payment settled, or was asked for."""
    documents = Document.objects.filter(
        Q(allocations__payment=payment_id) | Q(payments=payment_id) | Q(payment_sessions__payment=payment_id)
    )
    return _orders_of(documents)


def orders_of_refund(refund_id: int) -> list[int]:
    """Ids of the orders whose documents a refund is for, or was paid by the payment that goes back."""
    documents = Document.objects.filter(Q(refunds=refund_id) | Q(allocations__payment__refunds=refund_id))
    return _orders_of(documents)


def _orders_of(documents: QuerySet[Document]) -> list[int]:
    """By what the documents invoice or correct. Later periods of a contract belong to no order: they stop at once."""
    ids = {pk for row in documents.values_list("pk", "corrects") for pk in row if pk}
    bookings = Booking.objects.filter(
        document_lines__document__in=ids, source__in=[ORDER_LINE, ORDER_EXTRA, CONTRACT_LINE]
    )
    rows = set(bookings.values_list("source", "source_id", "period_start")) if ids else set()
    found = {source_id for source, source_id, _start in rows if source == ORDER_EXTRA}
    sold = [source_id for source, source_id, _start in rows if source == ORDER_LINE]
    if sold:
        lines = get_model("order", "Line").objects.filter(pk__in=sold)
        found |= set(lines.values_list("order", flat=True))
    starts = {(source_id, start) for source, source_id, start in rows if source == CONTRACT_LINE}
    return sorted(found | _orders_of_first_periods(starts))


def _orders_of_first_periods(starts: Collection[tuple[int | None, Any]]) -> set[int]:
    if not starts:
        return set()
    lines = ContractLine.objects.filter(pk__in=[pk for pk, _start in starts])
    first = [
        contract
        for pk, anchor, contract in lines.values_list("pk", "anchor", "contract")
        if (pk, anchor) in starts
    ]
    orders = (
        Contract.objects.filter(pk__in=first, order_contract__isnull=False)
        if first
        else Contract.objects.none()
    )
    return set(orders.values_list("order_contract__line__order", flat=True))


def is_fully_credited(order: Any) -> bool:
    """Nothing of the order is left to pay for: its invoices are taken back, and nothing waits to be billed again."""
    documents = documents_of_order(order).filter(kind__in=_SALE_AND_BACK)
    balance = {document.currency: 0 for document in documents}
    for document in documents:
        balance[document.currency] += document.gross_minor
    waiting = Booking.objects.filter(bookings_of_order(order)).exclude(
        state__in=[Booking.State.BILLED, Booking.State.VOID]
    )
    return bool(balance) and not any(balance.values()) and not waiting.exists()


def stock_notes(line_ids: Sequence[int]) -> dict[int, str]:
    """Which lines of invoices are goods kept in stock, with what a person should know before they credit them.

    Lines whose stock record is gone are among them: nobody can tell any more, and the correction says what it left.
    """
    lines = DocumentLine.objects.filter(pk__in=line_ids, booking__source=ORDER_LINE)
    source_of = dict(lines.values_list("pk", "booking__source_id"))
    ordered = get_model("order", "Line").objects.filter(pk__in=set(source_of.values()))
    rows = ordered.select_related(
        "stockrecord__product__product_class", "stockrecord__product__parent"
    ).in_bulk()
    return {
        pk: _stock_note(rows.get(source))
        for pk, source in source_of.items()
        if _may_be_stocked(rows.get(source))
    }


def _may_be_stocked(line: Any) -> bool:
    if line is None or line.stockrecord is None:
        return True
    product_class = line.stockrecord.product.get_product_class()
    return bool(product_class and product_class.track_stock)


def _stock_note(line: Any) -> str:
    if line is None or line.stockrecord is None:
        return gettext("The product or its stock record has been deleted: nothing will be rebooked.")
    if line.num_allocated:
        return ngettext(
            "%(count)d unit has not been shipped yet: its reservation is released first.",
            "%(count)d units have not been shipped yet: their reservation is released first.",
            line.num_allocated,
        ) % {"count": line.num_allocated}
    if line.allocation_cancelled:
        return gettext("The shop has given up the reservation itself: nothing will be rebooked.")
    return ""


def stock_history(product: Any) -> QuerySet[StockMovement]:
    """What corrections did to the stock of a product, newest first."""
    rows = StockMovement.objects.filter(product=product)
    return rows.select_related("correction_line__document", "order_line__order")


def offer_addresses(plan_ids: Collection[int]) -> dict[int, str]:
    """Where plans are sold, for the paywall: an address that leads to the product, whatever it is called by then."""
    sold = PlanProduct.objects.filter(plan__in=plan_ids, product__is_public=True)
    plans = set(sold.values_list("plan_id", flat=True))
    return {plan_id: reverse("cms_billing:plan_offer", args=[plan_id]) for plan_id in plans}


def _pk(row: Any) -> int | None:
    return row.pk if row else None
