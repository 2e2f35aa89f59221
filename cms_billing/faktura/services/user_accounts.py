"""User accounts for customers who came without one, such as those of an import."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from ..models import Customer, Issuer

CHUNK = 1000


@dataclass(frozen=True)
class AddressTaken:
    """A customer who got no account because somebody has one with their address. ``str()`` says what to do."""

    customer: str
    email: str

    def __str__(self) -> str:
        return _(
            "%(customer)s: there is an account with the address %(email)s already. "
            "Link it on the customer's form if it is theirs."
        ) % {"customer": self.customer, "email": self.email}


@dataclass(frozen=True)
class UserAccounts:
    """How many were created, and who has none because their address is taken."""

    created: int
    taken: Sequence[AddressTaken]


@transaction.atomic
def create_user_accounts(*, issuer: Issuer, customer_ids: Iterable[int], user: Any = None) -> UserAccounts:
    """An account for each of the issuer's customers who have an e-mail address and no account; ``user`` does it.

    The password is a random secret that nobody knows, hashed once for all of them: a hash for each would take minutes
    for a thousand. Their owners set their own with “forgot password”, which needs a usable password to be there and
    proves that the address is theirs. An account that has the address already is never linked: anybody can have
    registered with it. Rows are written in bulk: no signals of the user model.
    """
    password = make_password(secrets.token_urlsafe(32))
    created, taken = 0, []
    for ids in _chunks(sorted(set(customer_ids))):
        customers = _without_account(issuer, ids)
        _link(_with_free_address(customers), password)
        taken += [customer for customer in customers if customer.user_id is None]
        created += sum(customer.user_id is not None for customer in customers)
    if created:
        log(
            instance=issuer,
            action="cms_billing.create_user_accounts",
            user=user,
            data={"created": created, "taken": len(taken)},
        )
    return UserAccounts(created, [AddressTaken(str(customer), customer.email) for customer in taken])


def _without_account(issuer: Issuer, ids: Sequence[int]) -> list[Customer]:
    customers = Customer.objects.select_for_update(no_key=True).filter(issuer=issuer, pk__in=ids, user=None)
    return list(customers.exclude(email="").order_by("pk"))


def _with_free_address(customers: Sequence[Customer]) -> dict[str, Customer]:
    """Those whose address nobody has, by it. Of several with one address the first gets the account."""
    known = _addresses_of_users({customer.email.lower() for customer in customers})
    free: dict[str, Customer] = {}
    for customer in customers:
        address = customer.email.lower()
        if address not in known:
            free.setdefault(address, customer)
    return free


def _addresses_of_users(addresses: set[str]) -> set[str]:
    """Of these addresses those that are a user's address, or the name somebody logs in with."""
    model = get_user_model()
    known: set[str] = set()
    for name in {model.get_email_field_name(), model.USERNAME_FIELD}:
        users = model._default_manager.annotate(billing_address=Lower(name))
        known.update(users.filter(billing_address__in=addresses).values_list("billing_address", flat=True))
    return known


def _link(customers: dict[str, Customer], password: str) -> None:
    """Create the accounts and put them on the customers.

    A name that somebody took at this moment is left out instead of stopping the rest; ours are known by their hash.
    """
    model = get_user_model()
    users = [_new_user(address, customer, password) for address, customer in customers.items()]
    model._default_manager.bulk_create(users, ignore_conflicts=True)
    email = model.get_email_field_name()
    ours = model._default_manager.filter(password=password, **{f"{email}__in": list(customers)})
    for account in ours:
        customers[getattr(account, email)].user = account
    Customer.objects.bulk_update([customer for customer in customers.values() if customer.user_id], ["user"])


def _new_user(address: str, customer: Customer, password: str) -> Any:
    model = get_user_model()
    values = {"first_name": customer.first_name, "last_name": customer.last_name}
    values = {name: value[: _longest(model, name)] for name, value in values.items() if _has(model, name)}
    values[model.USERNAME_FIELD] = _login_name(model, address)
    values[model.get_email_field_name()] = address
    return model(password=password, **values)


def _login_name(model: type[models.Model], address: str) -> str:
    """The address; a random name where the user model does not allow it as one."""
    field: Any = model._meta.get_field(model.USERNAME_FIELD)  # type: ignore[attr-defined]
    try:
        field.run_validators(address)
    except ValidationError:
        return uuid.uuid4().hex[:30]
    return address


def _has(model: type[models.Model], name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


def _longest(model: type[models.Model], name: str) -> int | None:
    return getattr(model._meta.get_field(name), "max_length", None)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for begin in range(0, len(ids), CHUNK):
        yield ids[begin : begin + CHUNK]
