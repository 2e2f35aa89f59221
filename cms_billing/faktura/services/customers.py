"""Customers: the account number they get, and the block on reminders."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from cms_billing.core.texts import day_text

from ..exceptions import WrongBlock
from ..models import Customer

NUMBER_FORMAT = "K-{pk:06}"


@transaction.atomic
def give_number(*, customer_id: int) -> str:
    """A customer saved without a number of their own gets one from their id; returns it."""
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    customer.number = NUMBER_FORMAT.format(pk=customer.pk)
    customer.save(update_fields=["number"])
    return customer.number


@transaction.atomic
def block_dunning(
    *, customer_id: int, until: date | None, reason: str, today: date, user: Any = None
) -> Customer:
    """No reminders to this customer until the day (with it), or until the block is lifted. Raises WrongBlock."""
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    if until is not None and until < today:
        raise WrongBlock(
            _("%(day)s has passed: choose a day to come, or none for a block without end.")
            % {"day": day_text(until)}
        )
    customer.dunning_block, customer.dunning_block_until = True, until
    customer.dunning_block_reason = reason[:200]
    customer.save(update_fields=["dunning_block", "dunning_block_until", "dunning_block_reason"])
    log(
        instance=customer,
        action="cms_billing.block_dunning",
        user=user,
        data={"reason": reason, "until": until.isoformat() if until else None},
    )
    return customer


@transaction.atomic
def lift_dunning_block(*, customer_id: int, user: Any = None) -> Customer:
    """Reminders go on with the next daily run. Lifting what is not blocked changes nothing."""
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    if not customer.dunning_block:
        return customer
    customer.dunning_block, customer.dunning_block_until, customer.dunning_block_reason = False, None, ""
    customer.save(update_fields=["dunning_block", "dunning_block_until", "dunning_block_reason"])
    log(instance=customer, action="cms_billing.lift_dunning_block", user=user)
    return customer
