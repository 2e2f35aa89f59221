"""A member's card or account that a stand-in keeps, without clicking through its page."""

from __future__ import annotations

import uuid
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cms_billing.core.money import Money
from cms_billing.faktura.models import Customer
from cms_billing.payments.credentials import provider_for
from cms_billing.payments.models import Payer, PaymentMethod, ProviderAccount
from cms_billing.payments.providers import PageNotice, PageRequest, PayerFacts
from cms_billing.payments.services import payer_for, store_method

from ..models import VendorObject
from .behaviours import Behaviour

_BACK = "https://shop.example/back/"


def store_on_stand_in(
    account: ProviderAccount, customer: Customer, behaviour: Behaviour, *, shown_as: Behaviour | None = None
) -> PaymentMethod:
    """The member stores it on the vendor's page, for nothing, and it is theirs; charges behave as ``behaviour`` says.

    ``shown_as`` is what they choose on the page, where it differs: Mollie stores only cards for nothing.
    """
    payer = payer_for(account=account, user=customer.user)
    notice = _visit(account, payer, customer, shown_as or behaviour)
    if notice.method is None:
        raise LookupError(f"{account.provider} stored no {behaviour.label} for nothing.")
    if notice.payer_reference and not payer.reference:
        payer.reference = notice.payer_reference
        payer.save(update_fields=["reference"])
    method = store_method(customer_id=customer.pk, account=account, payer=payer, stored=notice.method)
    behave(method, behaviour)
    return method


def _visit(account: ProviderAccount, payer: Payer, customer: Customer, choice: Behaviour) -> PageNotice:
    provider: Any = provider_for(account)
    key = uuid.uuid4()
    facts = PayerFacts(
        key=payer.name_at_provider, reference=payer.reference, email=customer.email, name=str(customer)
    )
    page = provider.open_page(
        PageRequest(
            idempotency_key=key,
            amount=Money(0, "EUR"),
            description="",
            payer=facts,
            return_url=_BACK,
            cancel_url=_BACK,
            webhook_url=_BACK,
            stores_method=True,
        )
    )
    stand_in = import_module(f"{__package__}.{account.provider}")
    page_id = urlsplit(page.url).path.rstrip("/").rsplit("/", 1)[-1]
    went_to = stand_in.hosted_page(page_id).pay(choice)
    return provider.look_up_page(
        reference=page.reference,
        idempotency_key=key,
        payer_reference=page.payer_reference or str(payer),
        returned_with=dict(parse_qsl(urlsplit(went_to).query)),
    )


def behave(method: PaymentMethod, behaviour: Behaviour) -> None:
    """From now on charges of the stored method end like this."""
    # A reference may name payer and method.
    row = VendorObject.objects.get(vendor=method.provider, object_id=method.reference.rsplit("/", 1)[-1])
    row.hidden = {**row.hidden, "behaviour": behaviour.value}
    row.save(update_fields=["hidden"])
