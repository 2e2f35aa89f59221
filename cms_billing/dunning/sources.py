"""What this app and the payments below it know to stand against letters (``hindrances``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from cms_billing.faktura.models import Customer
from cms_billing.payments.models import ChargePlan
from cms_billing.payments.selectors import documents_being_paid

from .hindrances import Item
from .models import ChargesLeft, Hold, Procedure
from .rules import Hindrance, Reason
from .selectors import contracts_of_documents


def holds(items: Sequence[Item], today: date) -> Mapping[int, Hindrance]:
    """Blocks and disputes of the customer, of a contract on the document, or of the document itself.

    Where several stand, the one that lasts longest speaks, a dispute before a block.
    """
    columns = ("customer_id", "contract_reference", "document_id", "kind", "until", "reason")
    standing: dict[int, list[tuple[str, int | None, Hindrance]]] = defaultdict(list)
    rows = Hold.objects.holding_on(today).filter(customer__in={item.customer_id for item in items})
    for customer, contract, document, kind, until, why in rows.order_by("pk").values_list(*columns):
        reason = Reason.DISPUTED if kind == Hold.Kind.DISPUTE else Reason.BLOCKED
        standing[customer].append((contract, document, Hindrance(reason, until, why)))
    if not standing:
        return {}
    contracts = contracts_of_documents([item.document_id for item in items if item.customer_id in standing])
    found = {}
    for item in items:
        touching = [
            hindrance
            for contract, document, hindrance in standing.get(item.customer_id, ())
            if document in (None, item.document_id)
            and (not contract or contract in contracts[item.document_id])
        ]
        if touching:
            found[item.document_id] = max(touching, key=_weight)
    return found


def _weight(hindrance: Hindrance) -> tuple[bool, bool, date]:
    return hindrance.reason is Reason.DISPUTED, hindrance.until is None, hindrance.until or date.max


def only_charges_left(items: Sequence[Item], today: date) -> Mapping[int, Hindrance]:
    """The claim itself is paid, and its procedure does not go on claiming fees and interest."""
    covered = [item for item in items if item.is_covered]
    if not covered:
        return {}
    rows = Customer.objects.filter(pk__in={item.customer_id for item in covered})
    customers = {pk: (issuer, kind) for pk, issuer, kind in rows.values_list("pk", "issuer_id", "kind")}
    procedures = Procedure.objects.filter(
        issuer__in={issuer for issuer, _kind in customers.values()}, is_active=True
    )
    modes = {
        (issuer, kind): mode
        for issuer, kind, mode in procedures.values_list("issuer_id", "customer_kind", "charges_left")
    }

    def is_claimed(item: Item) -> bool:
        issuer, kind = customers[item.customer_id]
        mode = modes.get((issuer, kind)) or modes.get((issuer, Procedure.CustomerKind.ALL))
        return mode in (None, ChargesLeft.CLAIM)

    left = [item.document_id for item in covered if not is_claimed(item)]
    return dict.fromkeys(left, Hindrance(Reason.ONLY_CHARGES_LEFT))


def payments_under_way(items: Sequence[Item], today: date) -> Mapping[int, Hindrance]:
    """A charge that was written, a debit in clearing, money from a payment page that is not here yet."""
    under_way = documents_being_paid([item.document_id for item in items])
    return dict.fromkeys(under_way, Hindrance(Reason.PAYMENT_UNDER_WAY))


def retries_planned(items: Sequence[Item], today: date) -> Mapping[int, Hindrance]:
    """Another attempt falls before the letter: through its day nothing goes out. The waiting days count on."""
    plans = ChargePlan.objects.filter(document__in=[item.document_id for item in items], next_on__gte=today)
    return {pk: Hindrance(Reason.RETRY_PLANNED, day) for pk, day in plans.values_list("pk", "next_on")}
