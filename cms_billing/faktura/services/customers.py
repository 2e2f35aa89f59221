"""Customers: the account number they get."""

from __future__ import annotations

from django.db import transaction

from ..models import Customer

NUMBER_FORMAT = "K-{pk:06}"


@transaction.atomic
def give_number(*, customer_id: int) -> str:
    """A customer saved without a number of their own gets one from their id; returns it."""
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    customer.number = NUMBER_FORMAT.format(pk=customer.pk)
    customer.save(update_fields=["number"])
    return customer.number
