"""The account of whoever buys: found or opened, one an issuer and user."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from typing import Any

from django.db import IntegrityError, transaction
from wagtail.log_actions import log

from ..models import Customer, Issuer

NUMBER_FORMAT = "K-{pk:06}"


@dataclass(frozen=True)
class CustomerFacts:
    """Name and address as the buyer gave them; ``language`` None: the issuer's."""

    first_name: str
    last_name: str
    street: str
    postal_code: str
    city: str
    country: str
    email: str
    address_addition: str = ""
    language: str | None = None

    def fields(self) -> dict[str, str]:
        """Cut to the columns: a long line of an address must not stop a sale."""
        values = {name: value or "" for name, value in asdict(self).items() if name != "language"}
        return {name: value[: _longest(name)] for name, value in values.items()}


def _longest(field_name: str) -> int | None:
    return getattr(Customer._meta.get_field(field_name), "max_length", None)


@transaction.atomic
def new_customer(*, issuer: Issuer, facts: CustomerFacts, user: Any = None) -> Customer:
    """A new account with a number of its own."""
    customer = Customer.objects.create(
        issuer=issuer,
        user=user,
        number=f"new-{uuid.uuid4().hex[:20]}",
        language=facts.language or issuer.language,
        **facts.fields(),
    )
    customer.number = _free_number(customer)
    customer.save(update_fields=["number"])
    return customer


@transaction.atomic
def open_account(*, issuer: Issuer, user: Any, facts: CustomerFacts) -> Customer:
    """The user's account with this issuer, locked; opened where there is none yet.

    A new address becomes the account's: invoices go to where the buyer lives now. Company, VAT id and language stay.
    """
    customer = _locked(issuer, user)
    if customer is None:
        try:
            with transaction.atomic():
                return new_customer(issuer=issuer, facts=facts, user=user)
        except IntegrityError:
            # Opened by another order at this moment.
            customer = _locked(issuer, user)
            if customer is None:
                raise
    changes = {name: value for name, value in facts.fields().items() if getattr(customer, name) != value}
    if changes:
        before = {name: getattr(customer, name) for name in changes}
        for name, value in changes.items():
            setattr(customer, name, value)
        customer.save(update_fields=list(changes))
        log(instance=customer, action="wagtail.edit", user=user, data={"before": before, "after": changes})
    return customer


def _locked(issuer: Issuer, user: Any) -> Customer | None:
    return Customer.objects.select_for_update(no_key=True).filter(issuer=issuer, user=user).first()


def _free_number(customer: Customer) -> str:
    """From the id; an imported customer may have that number already."""
    number = NUMBER_FORMAT.format(pk=customer.pk)
    taken = Customer.objects.filter(issuer_id=customer.issuer_id, number=number).exists()
    return f"{number}-{uuid.uuid4().hex[:4]}" if taken else number
