"""Finding documents and customers by what people have in hand: a number, a name, an address, an amount."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from cms_billing.core import text_search

from .amounts import amounts_in
from .models import Customer, Document, OpenItem

# Currencies whose number of decimals is not two.
NO_DECIMALS = [
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "ISK",
    "JPY",
    "KMF",
    "KRW",
    "PYG",
    "RWF",
    "UGX",
    "UYI",
    "VND",
    "VUV",
    "XAF",
    "XOF",
    "XPF",
]
THREE_DECIMALS = ["BHD", "JOD", "KWD", "LYD", "OMR", "TND"]

# A trigram index serves these; see ``core.text_search``. E-mail addresses are searched among customers, which are
# written seldom: an index over them would cost every document of a daily run.
DOCUMENT_FIELDS = ("number", "recipient_name")
CUSTOMER_FIELDS = ("number", "company", "first_name", "last_name", "email")

# From so many keys on they are sent as one parameter; from so many on they are not sent at all.
SEVERAL = 100
MANY = 20_000


def make_tables_searchable() -> None:
    text_search.make_searchable(Document, *DOCUMENT_FIELDS)
    text_search.make_searchable(Customer, *CUSTOMER_FIELDS)


def find_customers(customers: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Those that have every word somewhere in number, company, name or e-mail address."""
    return customers.filter(_every_word(text, CUSTOMER_FIELDS))


def find_documents(documents: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Those with every word in number or recipient, those of the customers found, and those of that amount.

    One sub-query each, so that each uses its own index. They are run here, once, and the finds named by their keys, so
    that what is asked of them next does not search again; one query. More finds than ``MANY`` are not held in memory.
    """
    customers = find_customers(Customer.objects.order_by(), text).values("pk")
    ways = [
        Document.objects.filter(_every_word(text, DOCUMENT_FIELDS)),
        Document.objects.filter(customer__in=customers),
    ]
    if amounts := amounts_in(text):
        items = OpenItem.objects.filter(~Q(open_minor=0) & amount_is("open_minor", amounts))
        ways += [
            Document.objects.filter(amount_is("gross_minor", amounts)),
            Document.objects.filter(pk__in=items.order_by().values("pk")),
        ]
    first, *others = [way.order_by().values_list("pk", flat=True) for way in ways]
    found = first.union(*others)
    keys = list(found[: MANY + 1])
    return documents.filter(pk__in=_named(keys) if len(keys) <= MANY else found)


def _named(keys: list[int]) -> Any:
    """Keys in a single parameter: writing out thousands of them takes longer than the search did."""
    if len(keys) < SEVERAL:
        return keys
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::bigint[])", [keys])
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(keys)])


def _every_word(text: str, fields: Iterable[str]) -> Q:
    words = text.split()[:8]
    return reduce(
        and_, (reduce(or_, (Q(**{f"{field}__icontains": word}) for field in fields)) for word in words), Q()
    )


def amount_is(column: str, amounts: Iterable[Decimal]) -> Q:
    """Rows whose minor units in ``column`` are one of the amounts, owed or given back, in any currency."""
    condition = Q(pk__in=[])
    for currencies, factor in (
        (Q(currency__in=NO_DECIMALS), 1),
        (Q(currency__in=THREE_DECIMALS), 1000),
        (~Q(currency__in=NO_DECIMALS + THREE_DECIMALS), 100),
    ):
        exact = [int(amount * factor) for amount in amounts if amount * factor % 1 == 0]
        if exact:
            condition |= currencies & Q(**{f"{column}__in": [*exact, *(-minor for minor in exact)]})
    return condition


def amount_between(column: str, bounds: slice) -> Q:
    """Rows whose minor units in ``column`` lie between two amounts as people write them, in any currency."""
    return (
        Q(currency__in=NO_DECIMALS) & _between(column, bounds, 1)
        | Q(currency__in=THREE_DECIMALS) & _between(column, bounds, 1000)
        | ~Q(currency__in=NO_DECIMALS + THREE_DECIMALS) & _between(column, bounds, 100)
    )


def _between(column: str, bounds: slice, factor: int) -> Q:
    condition = Q()
    if bounds.start is not None:
        condition &= Q(**{f"{column}__gte": _clip(bounds.start * factor)})
    if bounds.stop is not None:
        condition &= Q(**{f"{column}__lte": _clip(bounds.stop * factor)})
    return condition


def _clip(value: Decimal) -> int:
    """Into the range of the column: an absurd bound is no error, it only matches all or nothing."""
    limit = Decimal(2**62)
    return int(max(-limit, min(limit, value)))
