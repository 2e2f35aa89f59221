"""Payers are sent to a provider's page: to pay documents, or to store a card or account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cms_billing.core.money import Money
from cms_billing.faktura.models import Customer, OpenItem

from .. import exceptions as errors
from ..models import PaymentMethod, PaymentSession, ProviderAccount
from ..providers import AccountRefused
from ..selectors import documents_being_paid
from .accounts import note_problem, without_secrets
from .sessions import Visit, open_session

Purpose = PaymentSession.Purpose
# Pages of one subject that may be opened within an hour: more is no payer who changes their mind.
PAGES_AN_HOUR = 20


@dataclass(frozen=True)
class Visitor:
    """Who asks for the page. ``owner``: they are signed in, and the customer is theirs; guests are told nothing."""

    user: Any = None
    is_owner: bool = False
    language: str = ""


def pay_documents(
    *,
    account: ProviderAccount,
    customer: Customer,
    documents: Sequence[int],
    shown: Money,
    description: str,
    keeps_method: bool,
    visitor: Visitor,
    now: datetime,
    part: Money | None = None,
) -> PaymentSession:
    """A page on which what is open of ``documents`` is paid, or a ``part`` of it (an instalment).

    ``shown`` is what the payer agreed to.

    Not inside a transaction. Raises NothingToPay, AlreadyCompleted, CannotOpenPage.
    """
    amount = _open_amount(customer, documents, shown.currency)
    if not amount or documents_being_paid(documents):
        raise errors.paid_meanwhile()
    if part is not None:
        amount = min(amount, part)
    if amount != shown:
        raise errors.amount_changed()
    visit = Visit(
        purpose=Purpose.DOCUMENTS,
        # One page a customer and currency, whatever they tick: two of them could take the same money twice.
        subject=f"customer:{customer.pk}:{amount.currency}",
        amount=amount,
        description=description,
        stores_method=keeps_method,
        customer_id=customer.pk,
        documents=documents,
        **_told(customer, visitor),
    )
    return _send(account, visit, now=now)


def _open_amount(customer: Customer, documents: Sequence[int], currency: str) -> Money:
    items = OpenItem.objects.open().filter(customer=customer, document__in=documents, currency=currency)
    return Money(sum(items.values_list("open_minor", flat=True)), currency)


def store_new_method(
    *,
    account: ProviderAccount,
    customer: Customer,
    visitor: Visitor,
    description: str,
    now: datetime,
    replaces: PaymentMethod | None = None,
) -> PaymentSession:
    """A page on which nothing is paid: the customer's card or account is stored, and replaces another one.

    Not inside a transaction. Raises AlreadyCompleted, CannotOpenPage.
    """
    visit = Visit(
        purpose=Purpose.METHOD,
        subject=f"method:{customer.pk}",
        amount=Money(0, customer.issuer.currency),
        description=description,
        stores_method=True,
        replaces_id=replaces.pk if replaces else None,
        customer_id=customer.pk,
        **_told(customer, visitor),
    )
    return _send(account, visit, now=now)


def _send(account: ProviderAccount, visit: Visit, *, now: datetime) -> PaymentSession:
    """A key that the provider refuses is the editor's to mend: the account says so from now on."""
    _keep_the_pace(visit, now=now)
    try:
        return open_session(account=account, visit=visit, now=now)
    except errors.CannotOpenPage as error:
        if isinstance(error.__cause__, AccountRefused):
            problem = without_secrets(str(error.__cause__), account)
            note_problem(account_id=account.pk, problem=problem, now=now)
        raise


def _told(customer: Customer, visitor: Visitor) -> dict[str, Any]:
    """What the provider is told of the payer. Whoever holds a link is not shown the customer's name and address."""
    facts: dict[str, Any] = {"language": visitor.language, "country": customer.country}
    if visitor.is_owner:
        facts |= {"user": visitor.user, "email": customer.email, "name": customer.name}
    return facts


def _keep_the_pace(visit: Visit, *, now: datetime) -> None:
    lately = PaymentSession.objects.filter(
        purpose=visit.purpose, subject=visit.subject, created_at__gt=now - timedelta(hours=1)
    )
    if lately.count() >= PAGES_AN_HOUR:
        raise errors.too_many_pages()
