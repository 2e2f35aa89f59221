"""Adyen's books: merchants, payments, sessions, tokens, refunds, disputes."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cms_billing.core import clock
from cms_billing.payments.credentials import given
from cms_billing.payments.models import ProviderAccount

from ...models import VendorObject
from ..behaviours import Behaviour, Course, Result
from .news import tell_item, tell_token

VENDOR = "adyen"
# Refusal reason, its code, merchant advice.
_REFUSALS = {
    Result.DECLINED: ("Refused", "2", ""),
    Result.NOT_ENOUGH_MONEY: ("Not enough balance", "12", "24 : Retry after 1 hour"),
    Result.STOLEN: ("Blocked Card", "5", "03 : Do not try again"),
}
_CARDS = {Behaviour.CAREFUL_CARD: "0008", Behaviour.DISPUTED_CARD: "0010"}


@dataclass(frozen=True)
class Merchant:
    """Who asks: a merchant account and the account here that has its secrets."""

    slug: str
    name: str


def merchant_by_key(key: str) -> Merchant | None:
    """Whose API key it is; like Adyen's, one key opens one merchant account."""
    for row in ProviderAccount.objects.filter(provider=VENDOR).order_by("pk"):
        if key and given(VENDOR, row.slug, ("API_KEY",)).get("API_KEY") == key:
            return Merchant(row.slug, row.merchant_account)
    return None


def psp_reference() -> str:
    return uuid.uuid4().hex[:16].upper()


def find(kind: str, object_id: str, merchant: Merchant) -> VendorObject | None:
    return (
        VendorObject.objects.select_for_update()
        .filter(vendor=VENDOR, account=merchant.slug, kind=kind, object_id=object_id)
        .first()
    )


def create(kind: str, merchant: Merchant, data: Mapping[str, Any], **more: Any) -> VendorObject:
    more.setdefault("object_id", psp_reference())
    return VendorObject.objects.create(
        vendor=VENDOR, account=merchant.slug, kind=kind, data=dict(data), **more
    )


def enter_payment(
    merchant: Merchant, *, body: Mapping[str, Any], method: str, behaviour: str, course: Course
) -> VendorObject:
    """Book a payment and tell of it; what the answer says of it is ``shown``."""
    payment = create(
        "payment",
        merchant,
        {
            "merchantAccount": merchant.name,
            "amount": dict(body["amount"]),
            "reference": body["reference"],
            "method": method,
            "shopperReference": body.get("shopperReference", ""),
            "resultCode": "Received",
            "refunded": 0,
        },
        hidden={"behaviour": behaviour},
    )
    if course.is_refusal:
        refuse(payment, *_REFUSALS[course.result])
    elif course.result in (Result.PAID_LATER, Result.RETURNED_LATER):
        tell_item(payment, "PENDING")
        wait_for(payment, "settle" if course.result is Result.PAID_LATER else "return", course.days)
    else:
        authorise(payment)
        if course.disputed_after is not None:
            wait_for(payment, "dispute", course.disputed_after)
    return payment


def wait_for(payment: VendorObject, act: str, days: int) -> None:
    payment.act, payment.acts_on = act, clock.today() + timedelta(days=days)
    payment.save()


def authorise(payment: VendorObject) -> None:
    payment.data |= {"resultCode": "Authorised"}
    payment.save()
    tell_item(payment, "AUTHORISATION", reason="033899:1111:03/2030")


def refuse(payment: VendorObject, reason: str = "Refused", code: str = "2", advice: str = "") -> None:
    payment.data |= {"resultCode": "Refused", "refusalReason": reason, "refusalReasonCode": code}
    if advice:
        payment.data["additionalData"] = {"merchantAdviceCode": advice}
    payment.save()
    tell_item(payment, "AUTHORISATION", success=False, reason=reason)


def shown(payment: VendorObject) -> dict[str, Any]:
    """As ``/payments`` answers it."""
    data = payment.data
    names = ("resultCode", "refusalReason", "refusalReasonCode", "additionalData")
    answer = {name: data[name] for name in names if name in data}
    answer |= {"pspReference": payment.object_id, "merchantReference": data["reference"]}
    if data["resultCode"] == "Authorised":
        answer |= {"amount": data["amount"], "paymentMethod": {"type": data["method"]}}
    return answer


def store_token(merchant: Merchant, payment: VendorObject, behaviour: Behaviour) -> VendorObject:
    """The same card or account of the same payer is the same token."""
    payer = payment.data["shopperReference"]
    alias = hashlib.sha256(f"{payer}:{behaviour.value}".encode()).hexdigest()[:16]
    known = VendorObject.objects.filter(
        vendor=VENDOR, account=merchant.slug, kind="token", parent_id=payer, hidden__alias=alias
    ).first()
    if known is not None:
        tell_token(known, "alreadyExisting", because_of=payment.object_id)
        return known
    token = psp_reference()
    data = {
        "id": token,
        "shopperReference": payer,
        "supportedRecurringProcessingModels": ["CardOnFile", "Subscription", "UnscheduledCardOnFile"],
        "firstPspReference": payment.object_id,
        "createdAt": clock.now().isoformat(timespec="seconds"),
        **(_card(alias, behaviour) if behaviour.is_card else _account(alias)),
    }
    created = create(
        "token",
        merchant,
        data,
        object_id=token,
        parent_id=payer,
        hidden={"behaviour": behaviour.value, "alias": alias},
    )
    tell_token(created, "created", because_of=payment.object_id)
    return created


def _card(alias: str, behaviour: Behaviour) -> dict[str, Any]:
    expires = clock.today().year + 3
    return {
        "type": "scheme",
        "brand": "visa",
        "name": "VISA",
        "lastFour": _CARDS.get(behaviour, "4242"),
        "expiryMonth": "3",
        "expiryYear": f"{expires % 100:02d}",
        "holderName": "A. Muster",
        "alias": f"H{alias[:15]}",
        "aliasType": "Default",
    }


def _account(alias: str) -> dict[str, Any]:
    digits = f"{int(alias, 16) % 10**10:010d}"
    return {
        "type": "sepadirectdebit",
        "name": "SEPA Direct Debit",
        "iban": f"DE0237040044{digits}",
        "ownerName": "A. Muster",
    }
