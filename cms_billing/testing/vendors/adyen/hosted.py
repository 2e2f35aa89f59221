"""The page of a hosted session, and what the payer's choice does."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from urllib.parse import urlencode

from django.db import transaction

from cms_billing.core import clock
from cms_billing.payments.providers.adyen.amounts import from_adyen

from ...models import VendorObject
from ..behaviours import Behaviour, first_course
from ..hosted import HostedPage
from . import books
from .books import Merchant


def hosted_page(page_id: str) -> HostedPage | None:
    session = _sessions().filter(object_id=page_id, data__mode="hosted").first()
    if session is None:
        return None
    amount = session.data["amount"]
    if session.data["status"] == "active" and datetime.fromisoformat(session.data["expiresAt"]) < clock.now():
        _leave(session, "expired")
    over = session.data["status"] != "active"
    return HostedPage(
        vendor="Adyen",
        amount=from_adyen(amount["value"], amount["currency"]),
        description=session.data.get("merchantOrderReference") or session.data["reference"],
        pay=partial(pay, page_id),
        cancel=partial(cancel, page_id),
        behaviours=_offered(session),
        left_for=_way_back(session) if over else "",
    )


@transaction.atomic
def pay(session_id: str, behaviour: Behaviour) -> str:
    """The payer pays, or stores a method where the amount is zero; returns where Adyen sends them."""
    session = _sessions().select_for_update().get(object_id=session_id)
    if session.data["status"] != "active":
        return _way_back(session)
    merchant = Merchant(session.account, session.data["merchantAccount"])
    payment = books.enter_payment(
        merchant,
        body=session.data,
        method="scheme" if behaviour.is_card else "sepadirectdebit",
        behaviour=behaviour.value,
        course=first_course(behaviour.value),
    )
    payment.parent_id = session_id
    payment.save(update_fields=["parent_id"])
    result = payment.data["resultCode"]
    if result != "Refused" and session.data.get("storePaymentMethodMode") == "enabled":
        books.store_token(merchant, payment, behaviour)
    return _leave(session, {"Refused": "refused", "Received": "paymentPending"}.get(result, "completed"))


@transaction.atomic
def cancel(session_id: str) -> str:
    session = _sessions().select_for_update().get(object_id=session_id)
    return _leave(session, "canceled") if session.data["status"] == "active" else _way_back(session)


def _leave(session: VendorObject, status: str) -> str:
    session.data |= {"status": status}
    session.hidden |= {"result": f"{books.psp_reference()}/+={books.psp_reference()}"}
    session.save()
    return _way_back(session)


def _way_back(session: VendorObject) -> str:
    address = session.data["returnUrl"]
    query = {"sessionId": session.object_id, "sessionResult": session.hidden.get("result", "")}
    return address + ("&" if "?" in address else "?") + urlencode(query)


def _offered(session: VendorObject) -> tuple[Behaviour, ...]:
    wanted = session.data.get("allowedPaymentMethods") or ["scheme", "sepadirectdebit"]
    return tuple(b for b in Behaviour if ("scheme" if b.is_card else "sepadirectdebit") in wanted)


def _sessions():
    return VendorObject.objects.filter(vendor="adyen", kind="session")
