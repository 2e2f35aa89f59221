"""One stage for all three vendors: an account, a customer with a stored method, and what the vendor's books say.

The books are read as they are, past the provider's code: what is compared with our ledger must not come from it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from importlib import import_module
from typing import Any

from django.db.models import Sum

from cms_billing.faktura.models import Customer, OpenItem
from cms_billing.payments.models import Allocation, Payment, PaymentMethod, ProviderAccount
from cms_billing.testing.factories import ProviderAccountFactory
from cms_billing.testing.models import VendorObject
from cms_billing.testing.vendors.behaviours import Behaviour
from cms_billing.testing.vendors.storing import behave, store_on_stand_in

__all__ = ["behave"]

SESSION = {"SESSION": "cms_billing.testing.vendors.new_session"}


@dataclass(frozen=True)
class Booked:
    """One payment in a vendor's books: our key, whether its money arrived, and how much of it went back, in cents."""

    reference: str
    key: uuid.UUID
    arrived: bool
    amount: int
    charged_back: int

    @property
    def held(self) -> int:
        return self.amount - self.charged_back if self.arrived else 0


def _stripe_books(row: VendorObject) -> Booked:
    disputes = VendorObject.objects.filter(
        vendor="stripe", kind="dispute", data__payment_intent=row.object_id
    )
    lost = sum(dispute.data["amount"] for dispute in disputes if dispute.data["status"] != "won")
    key = uuid.UUID(row.data["metadata"]["cms_billing_key"])
    return Booked(row.object_id, key, row.data["status"] == "succeeded", row.data["amount"], lost)


def _mollie_books(row: VendorObject) -> Booked:
    back = VendorObject.objects.filter(vendor="mollie", kind="chargeback", parent_id=row.object_id)
    lost = sum(_cents(one.data["amount"]) for one in back if not one.data["reversedAt"])
    key = uuid.UUID(row.data["metadata"]["key"])
    return Booked(row.object_id, key, row.data["status"] == "paid", _cents(row.data["amount"]), lost)


def _adyen_books(row: VendorObject) -> Booked:
    disputes = VendorObject.objects.filter(vendor="adyen", kind="dispute", parent_id=row.object_id)
    lost = sum(one.data["amount"]["value"] for one in disputes if not one.data.get("isReversed"))
    key, amount = uuid.UUID(row.data["reference"]), row.data["amount"]["value"]
    return Booked(row.object_id, key, row.data["resultCode"] == "Authorised", amount, lost)


def _cents(amount: Mapping[str, str]) -> int:
    return int(Decimal(amount["value"]) * 100)


@dataclass(frozen=True)
class Vendor:
    code: str
    path: str
    secrets: Mapping[str, str]
    kind: str
    read: Callable[[VendorObject], Booked]
    # Start of the path of a charge, for faults.
    charge_path: str
    columns: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stand_in(self) -> Any:
        return import_module(f"cms_billing.testing.vendors.{self.code}")


VENDORS = {
    "stripe": Vendor(
        code="stripe",
        path="cms_billing.payments.providers.stripe.StripeProvider",
        secrets={"SECRET_KEY": "sk_test_world1", "WEBHOOK_SECRET": "whsec_world1"},
        kind="payment_intent",
        read=_stripe_books,
        charge_path="/v1/payment_intents",
    ),
    "mollie": Vendor(
        code="mollie",
        path="cms_billing.payments.providers.mollie.MollieProvider",
        secrets={"API_KEY": "test_world1", "ACCESS_TOKEN": "access_world1", "WEBHOOK_SECRET": "whs1"},
        kind="payment",
        read=_mollie_books,
        charge_path="/v2/payments",
    ),
    "adyen": Vendor(
        code="adyen",
        path="cms_billing.payments.providers.adyen.AdyenProvider",
        secrets={
            "API_KEY": "AQEyhmfx-world",
            "WEBHOOK_HMAC_KEY": "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
            "REPORT_USER": "report@Company.World",
            "REPORT_PASSWORD": "world",
        },
        kind="payment",
        read=_adyen_books,
        charge_path="/v72/payments",
        columns={"merchant_account": "WorldECOM"},
    ),
}


def billing_settings_with(vendor: Vendor, given: Mapping[str, Any]) -> dict[str, Any]:
    """``CMS_BILLING`` of a site whose only account is at the vendor's stand-in."""
    return {
        **given,
        "PROVIDERS": {**given["PROVIDERS"], vendor.code: vendor.path},
        "PROVIDER_ACCOUNTS": {f"{vendor.code}/main": {**vendor.secrets, **SESSION}},
    }


def open_account(vendor: Vendor, customer: Any) -> ProviderAccount:
    """An account of the issuer of ``customer`` (or whatever has one)."""
    return ProviderAccountFactory(
        issuer=customer.issuer, provider=vendor.code, slug="main", requests_per_second=500, **vendor.columns
    )


def store_card(account: ProviderAccount, customer: Customer, behaviour: Behaviour) -> PaymentMethod:
    """A stored card of the customer that behaves as said, also like an account."""
    return store_on_stand_in(account, customer, behaviour, shown_as=Behaviour.GOOD_CARD)


def books(vendor: Vendor) -> Iterator[Booked]:
    """Every payment the vendor knows that we made for a document; what stored the card was for nothing."""
    keys = {str(key) for key in Payment.objects.values_list("idempotency_key", flat=True)}
    for row in VendorObject.objects.filter(vendor=vendor.code, kind=vendor.kind):
        booked = vendor.read(row)
        if str(booked.key) in keys:
            yield booked


def assert_books_agree(vendor: Vendor) -> None:
    """Every payment of the vendor is one payment of ours, over just what the vendor still holds."""
    told = list(books(vendor))
    assert len({booked.key for booked in told}) == len(told), "charged twice"
    for booked in told:
        payment = Payment.objects.get(idempotency_key=booked.key)
        held = payment.allocations.aggregate(s=Sum("amount_minor"))["s"] or 0
        assert held == booked.held, (booked, payment.state)
    keys = {booked.key for booked in told}
    assert not Allocation.objects.filter(payment__provider=vendor.code).exclude(
        payment__idempotency_key__in=keys
    )


def assert_open_items_add_up() -> None:
    for item in OpenItem.objects.all():
        assert item.open_minor == item.document.ledger_entries.aggregate(s=Sum("amount_minor"))["s"]
