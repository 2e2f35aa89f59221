"""Checkout Sessions, and what a payer does on their page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from cms_billing.core import clock
from cms_billing.core.money import Money

from ...models import VendorObject
from ..behaviours import Behaviour, first_course
from ..hosted import HostedPage, stand_in_url
from . import books, intents, methods
from .books import VENDOR, Refused
from .events import announce
from .forms import number

KIND = "checkout.session"
SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=24)


def create(form: dict[str, Any], *, account: str) -> dict[str, Any]:
    intents.refuse_old_parameters(form)
    if form.get("ui_mode", "hosted_page") != "hosted_page":
        raise Refused(400, f"Invalid ui_mode: {form['ui_mode']}", param="ui_mode")
    if form.get("customer"):
        books.must_find("customer", form["customer"], account=account, param="customer", status=400)
    amount, currency = _asked_for(form)
    data = {
        "allowed_payment_method_types": form.get("allowed_payment_method_types"),
        "amount_subtotal": amount,
        "amount_total": amount,
        "cancel_url": form.get("cancel_url"),
        "client_reference_id": form.get("client_reference_id"),
        "currency": currency,
        "customer": form.get("customer"),
        "expires_at": _expiry(form),
        "locale": form.get("locale"),
        "metadata": form.get("metadata") or {},
        "mode": form["mode"],
        "payment_intent": None,
        "payment_method_types": form.get("allowed_payment_method_types") or ["card", "sepa_debit", "ideal"],
        "payment_status": "unpaid" if form["mode"] == "payment" else "no_payment_required",
        "setup_intent": None,
        "status": "open",
        "success_url": form.get("success_url"),
        "ui_mode": "hosted_page",
    }
    row = books.enter(KIND, data, account=account, parent=form.get("customer") or "", hidden={"form": form})
    books.let_happen(row, "expire", days=1)
    return books.change(row, url=stand_in_url(VENDOR, row.object_id)).data


def _asked_for(form: dict[str, Any]) -> tuple[int | None, str]:
    if form.get("mode") == "setup":
        if not form.get("currency") and not form.get("allowed_payment_method_types"):
            told = "You must provide a currency in setup mode without allowed_payment_method_types."
            raise Refused(400, told, param="currency")
        return None, form.get("currency", "")
    lines = form.get("line_items") or []
    if form.get("mode") != "payment" or not lines:
        raise Refused(
            400, "Missing required param: line_items.", code="parameter_missing", param="line_items"
        )
    prices = [line["price_data"] for line in lines]
    amount = sum(
        number(price["unit_amount"]) * number(line["quantity"])
        for price, line in zip(prices, lines, strict=True)
    )
    intents.check_amount(amount, prices[0]["currency"])
    return amount, prices[0]["currency"]


def _expiry(form: dict[str, Any]) -> int:
    if not form.get("expires_at"):
        return int((clock.now() + LONGEST).timestamp())
    left = number(form["expires_at"]) - clock.now().timestamp()
    if not SHORTEST.total_seconds() <= left <= LONGEST.total_seconds():
        told = "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation."
        raise Refused(400, told, param="expires_at")
    return number(form["expires_at"])


def expire(session_id: str, *, account: str) -> dict[str, Any]:
    row = books.must_find(KIND, session_id, account=account)
    expire_if_over(row)
    if row.data["status"] != "open":
        raise Refused(
            400,
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of {row.data['status']}.",
        )
    _expire(row)
    return row.data


def expire_if_over(row: VendorObject) -> None:
    is_over = clock.now() >= datetime.fromtimestamp(row.data["expires_at"], UTC)
    if row.data["status"] == "open" and is_over:
        _expire(row)


def _expire(row: VendorObject) -> None:
    row.act, row.acts_on = "", None
    row.save(update_fields=["act", "acts_on"])
    books.change(row, status="expired", url=None)
    announce("checkout.session.expired", row)


# -- the page -------------------------------------------------------------------------------------------------------


@transaction.atomic
def hosted_page(page_id: str) -> HostedPage | None:
    row = books.find(KIND, page_id)
    if row is None:
        return None
    expire_if_over(row)
    done = {"complete": _success_url(row), "expired": row.data["cancel_url"]}.get(row.data["status"], "")
    currency = row.data["currency"].upper()
    return HostedPage(
        vendor="Stripe",
        amount=Money(row.data["amount_total"] or 0, currency),
        description=_description(row),
        pay=lambda behaviour: pay(page_id, behaviour),
        cancel=lambda: row.data["cancel_url"],
        behaviours=_offered(row),
        left_for=done,
        problem=_problem(row),
    )


def _problem(row: VendorObject) -> str:
    intent = books.find("payment_intent", row.data["payment_intent"] or "")
    refused = intent is not None and intent.data["last_payment_error"] is not None
    return gettext("The card was refused. Choose another one, or cancel.") if refused else ""


def _description(row: VendorObject) -> str:
    form = row.hidden["form"]
    lines = form.get("line_items") or []
    return lines[0]["price_data"]["product_data"]["name"] if lines else ""


def _offered(row: VendorObject) -> list[Behaviour]:
    allowed = row.data["allowed_payment_method_types"]
    kinds = {True: "card", False: "sepa_debit"}
    return [one for one in Behaviour if not allowed or kinds[one.is_card] in allowed]


def _success_url(row: VendorObject) -> str:
    return (row.data["success_url"] or "").replace("{CHECKOUT_SESSION_ID}", row.object_id)


@transaction.atomic
def pay(page_id: str, behaviour: Behaviour, *, kind: str = "") -> str:
    """What a payer's choice does; returns where Stripe sends them. ``kind``: "ideal" leaves a SEPA mandate behind."""
    row = books.find(KIND, page_id)
    if row is None or row.data["status"] != "open":
        raise LookupError(f"{page_id} is not open.")
    visit = _Visit(row, behaviour, kind)
    is_done = visit.pay() if row.data["mode"] == "payment" else visit.store()
    return _success_url(row) if is_done else row.data["url"]


@dataclass(frozen=True)
class _Visit:
    row: VendorObject
    behaviour: Behaviour
    kind: str

    def pay(self) -> bool:
        """False where the payer was refused and may try another card."""
        asked = self.row.hidden["form"].get("payment_intent_data") or {}
        intent = self._intent(asked)
        keeps = asked.get("setup_future_usage") == "off_session"
        method = self._method(customer=self.row.data["customer"] if keeps and not self.kind else None)
        if keeps and method.data["type"] == "sepa_debit":
            methods.make_mandate(method)
        if intents.run(intent, method, first_course(self.behaviour)) is not None:
            return False
        if keeps and self.kind:
            self._leave_a_mandate(intent)
        self._complete(payment_status="paid" if intent.data["status"] == "succeeded" else "unpaid")
        return True

    def store(self) -> bool:
        if self.behaviour is Behaviour.REFUSED_CARD:
            return False
        asked = self.row.hidden["form"].get("setup_intent_data") or {}
        method = self._method(customer=self.row.data["customer"])
        setup = methods.set_up(method, metadata=asked.get("metadata"))
        books.change(self.row, setup_intent=setup.object_id)
        self._complete(payment_status="no_payment_required")
        return True

    def _intent(self, asked: dict[str, Any]) -> VendorObject:
        known = books.find("payment_intent", self.row.data["payment_intent"] or "")
        if known is not None:
            return known
        form = {
            **asked,
            "amount": self.row.data["amount_total"],
            "currency": self.row.data["currency"],
            "customer": self.row.data["customer"],
        }
        intent = intents.new_intent(form, account=self.row.account)
        books.change(self.row, payment_intent=intent.object_id)
        return intent

    def _method(self, *, customer: str | None) -> VendorObject:
        return methods.store_method(
            self.behaviour, account=self.row.account, customer=customer, kind=self.kind
        )

    def _leave_a_mandate(self, intent: VendorObject) -> None:
        charge = books.must_find("charge", intent.data["latest_charge"], account=intent.account)
        generated = methods.store_method(
            Behaviour.GOOD_ACCOUNT,
            account=self.row.account,
            customer=self.row.data["customer"],
            from_charge=charge.object_id,
        )
        details = charge.data["payment_method_details"]
        left = {
            "generated_sepa_debit": generated.object_id,
            "generated_sepa_debit_mandate": methods.make_mandate(generated).object_id,
        }
        books.change(charge, payment_method_details={**details, self.kind: {**details[self.kind], **left}})

    def _complete(self, *, payment_status: str) -> None:
        self.row.act, self.row.acts_on = "", None
        self.row.save(update_fields=["act", "acts_on"])
        books.change(self.row, status="complete", payment_status=payment_status, url=None)
        announce("checkout.session.completed", self.row)


def tell_of_late_outcome(intent: VendorObject) -> None:
    """The page's own event, days after it was completed."""
    sessions = books.of_kind(KIND, account=intent.account, data__payment_intent=intent.object_id)
    row = sessions.first()
    if row is None:
        return
    has_come = intent.data["status"] == "succeeded"
    if has_come:
        books.change(row, payment_status="paid")
    announce(f"checkout.session.async_payment_{'succeeded' if has_come else 'failed'}", row)
