"""From a placed order to contracts, bookings and invoices: once, whatever happens in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from cms_billing.core import outbox
from cms_billing.core.money import Money
from cms_billing.faktura.models import Booking, Customer, Issuer
from cms_billing.faktura.services.accounts import CustomerFacts, new_customer, open_account
from cms_billing.faktura.services.billing import issue_group
from cms_billing.memberships.models import Plan
from cms_billing.memberships.services import book_first_period, sign_contract
from cms_billing.payments.services import name_documents

from .. import rules
from ..exceptions import DoesNotAddUp, NoBillingAddress
from ..models import CheckoutAttempt, OrderBilling, OrderConfirmation, OrderContract
from ..selectors import ORDER_EXTRA, ORDER_LINE, invoice_group, invoices_of_order, sold_lines

# What is left over where the price of a line does not divide by its units is a booking of its own.
GOODS = ("goods", "goods-rest")


@dataclass(frozen=True)
class Part:
    """What one issuer bills of an order: to whom, and on which local days it was placed and is billed."""

    order: Any
    issuer: Issuer
    customer: Customer
    lines: Sequence[rules.SoldLine]
    placed_on: date
    today: date


@transaction.atomic
def record_sale(
    *,
    order: Any,
    now: datetime,
    language: str,
    provider: str = "",
    consents: Sequence[str] = (),
) -> OrderBilling:
    """The rows of the work an order leaves to do; called in the transaction that writes the order.

    Raises IntegrityError where the basket has been ordered already: the whole second order is undone with it.
    """
    billing = OrderBilling.objects.create(
        order=order,
        basket_id=order.basket_id,
        placed_at=now,
        language=language[:8],
        provider=provider,
        consents=list(consents),
    )
    outbox.hint(billing)
    outbox.hint(OrderConfirmation.objects.create(order=order))
    return billing


@transaction.atomic
def bill_order(*, billing_id: int, now: datetime) -> None:
    """Contracts, bookings and one invoice an issuer. All or nothing; a second call finds everything there.

    Raises NoIssuer, NoBillingAddress, DoesNotAddUp, and what ``sign_contract`` raises. An invoice that the law would
    not accept is left to the daily run, and the reason is kept in ``problem``.
    """
    billing = OrderBilling.objects.select_for_update(no_key=True, of=("self",)).get(pk=billing_id)
    if OrderContract.objects.filter(line__order=billing.order_id).exists() or _is_booked(billing):
        return
    order = billing.order
    lines = sold_lines(order)
    shares = _shares(order, lines)
    problems: list[str] = []
    # In the order of their keys, so that two orders of one buyer never wait for each other in a circle.
    for issuer in Issuer.objects.filter(pk__in={line.issuer_id for line in lines}).order_by("pk"):
        zone = ZoneInfo(issuer.time_zone)
        part = Part(
            order=order,
            issuer=issuer,
            customer=_customer(billing, issuer),
            lines=[line for line in lines if line.issuer_id == issuer.pk],
            placed_on=billing.placed_at.astimezone(zone).date(),
            today=now.astimezone(zone).date(),
        )
        problems += _bill(part, [share for share in shares if share.issuer_id == issuer.pk])
    billing.problem = "\n".join(problems)
    billing.save(update_fields=["problem"])
    _name_what_is_paid(order)


def _name_what_is_paid(order: Any) -> None:
    """The invoice of an order that was paid on a page belongs to that payment from its first moment."""
    attempt = CheckoutAttempt.objects.filter(order=order).select_related("session").first()
    if attempt is not None:
        invoices = invoices_of_order(order, attempt.session.issuer_id)
        name_documents(session_id=attempt.session_id, documents=invoices)


def _is_booked(billing: OrderBilling) -> bool:
    lines = billing.order.lines.values("pk")
    return Booking.objects.filter(source=ORDER_LINE, source_id__in=lines).exists()


def _shares(order: Any, lines: Sequence[rules.SoldLine]) -> list[rules.ShippingShare]:
    """Shipping and surcharges, split; raises DoesNotAddUp where lines and extras are not the order's total."""
    extras = order.shipping_incl_tax + sum(charge.incl_tax for charge in order.surcharges.all())
    extra = Money.of(extras, order.currency)
    total = Money.of(order.total_incl_tax, order.currency)
    found = Money(sum(line.gross_minor for line in lines), order.currency) + extra
    if found != total:
        raise DoesNotAddUp(number=order.number, total=total, found=found)
    return rules.share_extras(extra.minor, lines) if extra else []


def _bill(part: Part, shares: Sequence[rules.ShippingShare]) -> list[str]:
    plans = Plan.objects.in_bulk([line.plan_id for line in part.lines if line.plan_id])
    bookings: list[Booking] = []
    for line in part.lines:
        if line.plan_id is None:
            bookings += _goods_bookings(part, line)
        else:
            _sign(part, line, plans[line.plan_id])
    bookings += [_extra_booking(part, share) for share in shares]
    Booking.objects.bulk_create(bookings)
    batch = issue_group(
        customer_id=part.customer.pk, invoice_group=invoice_group(part.order), today=part.today
    )
    return [problem.reason for problem in batch.problems]


def _sign(part: Part, line: rules.SoldLine, plan: Plan) -> None:
    """One contract a unit. Its number comes from the order line, so the database refuses to sign it twice."""
    for unit, paid_minor in enumerate(rules.price_of_units(line), start=1):
        tail = f"-{unit}" if line.quantity > 1 else ""
        contract = sign_contract(
            customer=part.customer,
            plan=plan,
            start=part.placed_on,
            today=part.today,
            number=f"{part.order.number}-{line.position}{tail}",
            origin=part.order.number,
            user=part.customer.user,
        )
        book_first_period(
            contract=contract,
            amount=Money(paid_minor, part.order.currency),
            invoice_group=invoice_group(part.order),
        )
        OrderContract.objects.create(line_id=line.id, contract=contract)


def _goods_bookings(part: Part, line: rules.SoldLine) -> list[Booking]:
    return [
        _booking(
            part,
            source=ORDER_LINE,
            source_id=line.id,
            kind=kind,
            description=line.title[:255],
            quantity=price.quantity,
            unit_price_minor=price.unit_price_minor,
            tax_code=line.tax_code,
        )
        for kind, price in zip(GOODS, rules.prices_of(line), strict=False)
    ]


def _extra_booking(part: Part, share: rules.ShippingShare) -> Booking:
    names = [part.order.shipping_method] if part.order.shipping_incl_tax else []
    names += [charge.name for charge in part.order.surcharges.all()]
    with override(part.customer.language):
        description = ", ".join(name for name in names if name) or _("Shipping")
    return _booking(
        part,
        source=ORDER_EXTRA,
        source_id=part.order.pk,
        kind=f"{part.issuer.pk}-{share.tax_code}",
        description=description[:255],
        unit_price_minor=share.gross_minor,
        tax_code=share.tax_code,
    )


def _booking(part: Part, **fields: Any) -> Booking:
    return Booking(
        issuer=part.issuer,
        customer=part.customer,
        period_start=part.placed_on,
        period_end=part.placed_on,
        due_on=part.placed_on,
        invoice_group=invoice_group(part.order),
        currency=part.order.currency,
        **fields,
    )


def _customer(billing: OrderBilling, issuer: Issuer) -> Customer:
    """The buyer's account with this issuer, locked. A guest gets an account of their own with every order."""
    facts = _facts(billing)
    user = billing.order.user
    if user is None:
        return new_customer(issuer=issuer, facts=facts)
    return open_account(issuer=issuer, user=user, facts=facts)


def _facts(billing: OrderBilling) -> CustomerFacts:
    order = billing.order
    address = order.billing_address or order.shipping_address
    if address is None:
        raise NoBillingAddress(number=order.number)
    email = order.guest_email or (order.user.email if order.user else "")
    return facts_of(address, email=email, language=billing.language)


def facts_of(address: Any, *, email: str, language: str) -> CustomerFacts:
    """Who owes, from an address of Oscar's; ``language`` may be one that invoices are not written in."""
    addition = ", ".join(line for line in (address.line2, address.line3) if line)
    known = [code for code, _name in Customer._meta.get_field("language").choices or []]
    wanted = (language or settings.LANGUAGE_CODE)[:2]
    return CustomerFacts(
        first_name=address.first_name,
        last_name=address.last_name,
        street=address.line1,
        address_addition=addition,
        postal_code=address.postcode,
        city=address.line4,
        country=address.country_id,
        email=email,
        language=wanted if wanted in known else None,
    )
