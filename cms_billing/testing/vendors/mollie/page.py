"""The page on which a payer pays, or stores a card."""

from __future__ import annotations

from django.db import transaction

from ...models import VendorObject
from ..behaviours import Behaviour
from ..hosted import HostedPage
from . import life
from .books import VENDOR, by_id, money_in

_CARDS = tuple(behaviour for behaviour in Behaviour if behaviour.is_card)
_ACCOUNTS = tuple(behaviour for behaviour in Behaviour if not behaviour.is_card)


def hosted_page(page_id: str) -> HostedPage | None:
    with transaction.atomic():
        payment = (
            VendorObject.objects.select_for_update()
            .filter(vendor=VENDOR, kind="payment", object_id=page_id)
            .first()
        )
        if payment is None:
            return None
        life.after_time(payment)
    return HostedPage(
        vendor="Mollie",
        amount=money_in(payment.data),
        description=payment.data["description"],
        pay=lambda behaviour: _pay(page_id, behaviour),
        cancel=lambda: _cancel(page_id),
        behaviours=_offered(payment),
        left_for="" if payment.data["status"] == "open" else payment.data["redirectUrl"],
    )


def _offered(payment: VendorObject) -> tuple[Behaviour, ...]:
    """A bank account cannot be stored without a payment; a page bound to methods offers no others."""
    methods = payment.hidden.get("methods") or ["creditcard", "ideal"]
    cards = _CARDS if {"creditcard", "paypal"} & set(methods) else ()
    accounts = _ACCOUNTS if set(methods) - {"creditcard", "paypal"} else ()
    return cards + (accounts if money_in(payment.data).minor else ())


@transaction.atomic
def _pay(page_id: str, behaviour: Behaviour) -> str:
    payment = by_id(page_id)
    if payment.data["status"] == "open":
        life.pay(payment, behaviour)
    return str(payment.data["redirectUrl"])


@transaction.atomic
def _cancel(page_id: str) -> str:
    payment = by_id(page_id)
    if payment.data["status"] == "open":
        life.cancel(payment)
    return str(payment.data.get("cancelUrl") or payment.data["redirectUrl"])
