"""Reads: what an order sold, whose it is to bill, and which papers came of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import F, Q, QuerySet
from django.urls import reverse

from cms_billing.core.money import Money
from cms_billing.faktura.models import Booking, Document, Issuer, TaxRate
from cms_billing.faktura.selectors import with_standing
from cms_billing.memberships.models import Contract, ContractLine
from cms_billing.memberships.services.booking import SOURCE as CONTRACT_LINE

from .exceptions import NoIssuer
from .models import PartnerIssuer, PlanProduct, ProductClassTax
from .rules import SoldLine

ORDER_LINE = "order_line"
ORDER_EXTRA = "order_extra"


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
    first_periods = ContractLine.objects.filter(contract__order_contract__line__order=order)
    starts = first_periods.annotate(first=F("anchor")).values_list("pk", "first")
    sources = Q(source=ORDER_LINE, source_id__in=list(order.lines.values_list("pk", flat=True)))
    sources |= Q(source=ORDER_EXTRA, source_id=order.pk)
    for pk, first in starts:
        sources |= Q(source=CONTRACT_LINE, source_id=pk, period_start=first)
    bookings = Booking.objects.filter(sources)
    invoices = Document.objects.filter(lines__booking__in=bookings, state=Document.State.ISSUED)
    found = set(invoices.values_list("pk", flat=True))
    return with_standing(Document.objects.filter(Q(pk__in=found) | Q(corrects__in=found))).order_by("pk")


def offer_addresses(plan_ids: Collection[int]) -> dict[int, str]:
    """Where plans are sold, for the paywall: an address that leads to the product, whatever it is called by then."""
    sold = PlanProduct.objects.filter(plan__in=plan_ids, product__is_public=True)
    plans = set(sold.values_list("plan_id", flat=True))
    return {plan_id: reverse("cms_billing:plan_offer", args=[plan_id]) for plan_id in plans}


def _pk(row: Any) -> int | None:
    return row.pk if row else None
