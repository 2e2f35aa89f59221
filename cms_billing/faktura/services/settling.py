"""What settles an open amount without new money: credit of the customer's own, and writing off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import models, transaction
from django.db.models import Exists, OuterRef, QuerySet, Sum
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.log_actions import log

from cms_billing.core.conf import billing_settings
from cms_billing.core.money import Money, total
from cms_billing.core.texts import amount_text

from .. import rules
from ..exceptions import CannotWriteOff, NothingToSettle
from ..models import Customer, Document, Issuer, LedgerEntry, OpenItem
from ..reservations import reserved_credit
from .ledger import Entry, post_entries

TRANSFER = LedgerEntry.Kind.TRANSFER


def credit_on_account(*, customer_id: int, currency: str) -> Money:
    """What stands on the account and belongs to no document; zero where nothing does."""
    return Money(max(0, -_on_account(customer_id, currency)), currency)


def _on_account(customer_id: int, currency: str) -> int:
    rows = LedgerEntry.objects.filter(customer_id=customer_id, currency=currency, document=None)
    return rows.aggregate(s=Sum("amount_minor"))["s"] or 0


@dataclass(frozen=True)
class Settlement:
    """What credit would settle: ``parts`` in order, and what is left of the credit. ``promised`` is on its way back."""

    credit: Money
    promised: Money
    parts: Sequence[tuple[OpenItem, Money]]
    left: Money

    @property
    def settled(self) -> Money:
        return total((part for _item, part in self.parts), self.credit.currency)


def _above_their_claims(customer_id: int, currency: str) -> int:
    items = OpenItem.objects.filter(customer=customer_id, currency=currency, open_minor__lt=0)
    return -(items.aggregate(s=Sum("open_minor"))["s"] or 0)


def _credit_to_settle(customer_id: int, currency: str, promised: int) -> int:
    return max(0, _above_their_claims(customer_id, currency) - _on_account(customer_id, currency) - promised)


def plan_settlement(*, customer_id: int, currency: str, document_ids: Sequence[int] = ()) -> Settlement:
    """What ``settle_with_credit`` would do now. Three queries, and two if there is credit, however many items."""
    promised = reserved_credit(customer_id, currency)
    credit = _credit_to_settle(customer_id, currency, promised)
    parts, left = _spread(credit, customer_id, currency, document_ids) if credit else ([], 0)
    items = OpenItem.objects.select_related("document").in_bulk([pk for pk, _part in parts])
    return Settlement(
        credit=Money(credit, currency),
        promised=Money(promised, currency),
        parts=[(items[pk], Money(part, currency)) for pk, part in parts],
        left=Money(left, currency),
    )


def _spread(credit: int, customer_id: int, currency: str, document_ids: Sequence[int]) -> Any:
    """Parts of the credit for open items, in the order wanted or the longest due first, and what is left."""
    items = OpenItem.objects.open().filter(customer=customer_id, currency=currency).order_by("due_on", "pk")
    owed = dict(items.values_list("pk", "open_minor"))
    order = [pk for pk in document_ids if pk in owed] if document_ids else list(owed)
    return rules.spread_payment(credit, [(pk, owed[pk]) for pk in dict.fromkeys(order)])


def can_settle(*, customer_id: int) -> bool:
    """Whether ``plan_settlement`` has parts in any currency. No item is loaded; one query without credit."""
    on_account = LedgerEntry.objects.filter(customer=customer_id, document=None)
    above = OpenItem.objects.filter(customer=customer_id, open_minor__lt=0)
    codes = [rows.order_by().values_list("currency", flat=True).distinct() for rows in (on_account, above)]
    owed = OpenItem.objects.open().filter(customer=customer_id)
    return any(
        _credit_to_settle(customer_id, currency, reserved_credit(customer_id, currency)) > 0
        and owed.filter(currency=currency).exists()
        for currency in codes[0].union(codes[1])
    )


@transaction.atomic
def settle_with_credit(
    *,
    customer_id: int,
    currency: str,
    today: date,
    document_ids: Sequence[int] = (),
    user: Any = None,
) -> Money:
    """Compensation: the customer's credit settles these open items in this order, or the oldest first.

    Returns how much. Credit is what stands on the account, and what single documents have got above their claim, less
    what is on its way back to the customer. Raises NothingToSettle.
    """
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    plan = plan_settlement(customer_id=customer_id, currency=currency, document_ids=document_ids)
    if not plan.parts:
        raise NothingToSettle(
            _("%(customer)s has no credit to settle with.") % {"customer": customer}
            if plan.credit.minor <= 0
            else _("%(customer)s owes nothing that the credit could settle.") % {"customer": customer}
        )
    above = OpenItem.objects.filter(customer=customer, currency=currency, open_minor__lt=0)
    entries = _surplus_to_the_account(list(above), currency)
    for item, part in plan.parts:
        entries += _move(item.pk, part)
    post_entries(issuer_id=customer.issuer_id, customer_id=customer_id, entries=entries, booked_on=today)
    data = {"amount": str(plan.settled)}
    log(instance=customer, action="cms_billing.settle", user=user, data=data)
    return plan.settled


def _surplus_to_the_account(items: Sequence[OpenItem], currency: str) -> list[Entry]:
    return [entry for item in items for entry in _move(item.pk, Money(item.open_minor, currency))]


def _move(document_id: int, amount: Money) -> list[Entry]:
    """Credit from the account onto a document; negative: back to the account."""
    return [Entry(TRANSFER, -amount, document_id), Entry(TRANSFER, amount, None, document_id)]


@dataclass(frozen=True)
class Settled:
    """Customers whose credit was used. ``last_customer`` is where the next chunk goes on; None: nothing was left."""

    done: list[int]
    last_customer: int | None


def customers_with_credit(issuer: Issuer) -> QuerySet[Customer]:
    """Those who have credit and owe something, where the issuer lets the one settle the other."""
    if not issuer.use_credit:
        return Customer.objects.none()
    credit = (
        LedgerEntry.objects.filter(issuer=issuer, document=None)
        .order_by()
        .values("customer", "currency")
        .annotate(s=Sum("amount_minor"))
        .filter(s__lt=0)
    )
    owed = OpenItem.objects.open().filter(customer=OuterRef("pk"))
    return Customer.objects.filter(Exists(owed), issuer=issuer, pk__in=credit.values("customer"))


@transaction.atomic
def settle_next_accounts(
    *, issuer: Issuer, today: date, after_customer: int = 0, wait: bool = False, limit: int | None = None
) -> Settled:
    """Let the credit of the next customers settle what they owe, a chunk in one transaction; see
    ``issue_next_invoices``. Who pays by a stored card is not charged for what stands to their credit."""
    due = customers_with_credit(issuer).filter(pk__gt=after_customer).order_by("pk")
    ids = list(due.values_list("pk", flat=True)[: limit or billing_settings().chunk_size])
    if not ids:
        return Settled([], None)
    locked = Customer.objects.filter(pk__in=ids).order_by("pk")
    done = []
    for customer in locked.select_for_update(skip_locked=not wait, no_key=True):
        currencies = OpenItem.objects.open().filter(customer=customer).order_by("currency")
        for currency in currencies.values_list("currency", flat=True).distinct():
            if plan_settlement(customer_id=customer.pk, currency=currency).parts:
                settle_with_credit(customer_id=customer.pk, currency=currency, today=today)
                done.append(customer.pk)
    return Settled(done, ids[-1])


@transaction.atomic
def take_back_settlements(*, customer_id: int, currency: str, today: date) -> list[int]:
    """Credit that was used up and then went away (a payment charged back): what it had settled is owed again.

    The latest first, until the account is even; returns the documents. The customer is locked by the caller.
    """
    missing = _on_account(customer_id, currency)
    if missing <= 0:
        return []
    used = LedgerEntry.objects.filter(
        customer_id=customer_id,
        currency=currency,
        kind=TRANSFER,
        document=None,
        related_document__isnull=False,
    )
    by_document = used.order_by().values("related_document").annotate(s=Sum("amount_minor")).filter(s__gt=0)
    latest_first = sorted(by_document, key=lambda row: -row["related_document"])
    parts, _left = rules.spread_payment(
        missing, [(row["related_document"], row["s"]) for row in latest_first]
    )
    entries = [entry for pk, part in parts for entry in _move(pk, Money(-part, currency))]
    if entries:
        issuer_id = Customer.objects.values_list("issuer_id", flat=True).get(pk=customer_id)
        post_entries(issuer_id=issuer_id, customer_id=customer_id, entries=entries, booked_on=today)
    return [pk for pk, _part in parts]


class WriteOffReason(models.TextChoices):
    """Why an open amount is given up; the text goes into the ledger."""

    UNCOLLECTABLE = "uncollectable", gettext_lazy("uncollectable")
    GOODWILL = "goodwill", gettext_lazy("goodwill")
    SMALL_DIFFERENCE = "small_difference", gettext_lazy("small difference")
    OTHER = "other", gettext_lazy("other reason")


@transaction.atomic
def write_off(
    *,
    document_id: int,
    amount: Money,
    reason: str,
    note: str = "",
    today: date,
    limited: bool,
    user: Any = None,
) -> Document:
    """Give up so much of what a document is owed. ``limited``: not above the issuer's limit, all write-offs together.

    ``reason`` is a ``WriteOffReason``, ``note`` says more and has to for another reason; both are frozen in the ledger,
    in the document's language. Raises CannotWriteOff.
    """
    customer_id = Document.objects.values_list("customer_id", flat=True).get(pk=document_id)
    Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    document = Document.objects.select_related("issuer", "open_item").get(pk=document_id)
    _check_write_off(document, amount, reason, note.strip(), limited=limited)
    with translation.override(document.language):
        label = str(WriteOffReason(reason).label)
    text = f"{label}: {note.strip()}" if note.strip() else label
    post_entries(
        issuer_id=document.issuer_id,
        customer_id=customer_id,
        entries=[Entry(LedgerEntry.Kind.WRITE_OFF, -amount, document.pk, note=text)],
        booked_on=today,
    )
    data = {"amount": str(amount), "reason": reason, "note": note}
    log(instance=document, action="cms_billing.write_off", user=user, data=data)
    return document


def left_of_write_off_limit(document: Document) -> Money:
    """How much more of it may be written off without the permission to do so without limit."""
    kind = LedgerEntry.Kind.WRITE_OFF
    before = -(document.ledger_entries.filter(kind=kind).aggregate(s=Sum("amount_minor"))["s"] or 0)
    return Money(max(0, document.issuer.write_off_limit_minor - before), document.currency)


def _check_write_off(document: Document, amount: Money, reason: str, note: str, *, limited: bool) -> None:
    item = getattr(document, "open_item", None)
    if item is None or item.open_minor <= 0:
        raise CannotWriteOff(_("%(document)s is owed nothing.") % {"document": document})
    if reason not in WriteOffReason.values or (reason == WriteOffReason.OTHER and not note):
        raise CannotWriteOff(_("Say why %(document)s is written off.") % {"document": document})
    if amount.currency != item.currency or not 0 < amount.minor <= item.open_minor:
        raise CannotWriteOff(
            _("%(document)s is owed %(open)s: write off no more than that.")
            % {"document": document, "open": amount_text(item.open_amount)}
        )
    if limited and amount.minor > left_of_write_off_limit(document).minor:
        limit = Money(document.issuer.write_off_limit_minor, amount.currency)
        raise CannotWriteOff(
            _(
                "More than %(limit)s of a document needs somebody who may write off without limit; ask them, or write "
                "off less."
            )
            % {"limit": amount_text(limit)}
        )
