"""Payouts and the settlement details reports that say what they were made of."""

from __future__ import annotations

import base64
import csv
import hmac
import io
from datetime import date
from typing import Any

from django.db import transaction

from cms_billing.core.money import Money, total
from cms_billing.payments.credentials import given
from cms_billing.payments.models import ProviderAccount
from cms_billing.payments.providers.adyen.amounts import from_adyen

from ...models import VendorObject
from ..transport import VendorRequest, VendorResponse
from . import books
from .books import Merchant
from .news import tell_item

HEADER = [
    "Company Account",
    "Merchant Account",
    "Psp Reference",
    "Merchant Reference",
    "Payment Method",
    "Creation Date",
    "TimeZone",
    "Type",
    "Modification Reference",
    "Gross Currency",
    "Gross Debit (GC)",
    "Gross Credit (GC)",
    "Exchange Rate",
    "Net Currency",
    "Net Debit (NC)",
    "Net Credit (NC)",
    "Commission (NC)",
    "Markup (NC)",
    "Scheme Fees (NC)",
    "Interchange (NC)",
    "Payment Method Variant",
    "Modification Merchant Reference",
    "Batch Number",
]
FEE_MINOR = 25


@transaction.atomic
def make_payout(day: date, *, account: str = "main", currency: str = "EUR") -> str:
    """Pay out what came and went since the last payout; returns the name of the report, which a webhook tells."""
    row = ProviderAccount.objects.get(provider="adyen", slug=account)
    merchant = Merchant(account, row.merchant_account)
    batch = VendorObject.objects.filter(vendor="adyen", account=account, kind="report").count() + 1
    lines = [_line(thing, merchant, day, batch) for thing in _unpaid(account, currency)]
    nets = [
        Money.of(line["Net Credit (NC)"] or "0", currency) - Money.of(line["Net Debit (NC)"] or "0", currency)
        for line in lines
    ]
    paid_out = total(nets, currency)
    last = _blank(merchant, day, batch) | {
        "Type": "MerchantPayout",
        "Modification Reference": f"TX{batch:09d}XT batch {batch}",
        "Net Currency": currency,
        "Net Debit (NC)": str(paid_out.amount),
    }
    name = f"settlement_detail_report_batch_{batch}.csv"
    report = books.create(
        "report",
        merchant,
        {
            "merchantAccount": merchant.name,
            "amount": {"currency": currency, "value": 0},
            "csv": _csv([*lines, last]),
        },
        object_id=name,
    )
    tell_item(report, "REPORT_AVAILABLE", reason=f"https://ca-test.adyen.com{_path(merchant, name)}")
    return name


def download(request: VendorRequest) -> VendorResponse:
    """A report, for its report user's name and password."""
    merchant_name, name = (request.path.split("/") + [""] * 6)[4:6]
    row = ProviderAccount.objects.filter(provider="adyen", merchant_account=merchant_name).first()
    secrets = given("adyen", row.slug, ("REPORT_USER", "REPORT_PASSWORD")) if row else {}
    wanted = f"{secrets.get('REPORT_USER', '')}:{secrets.get('REPORT_PASSWORD', '')}"
    wanted = "Basic " + base64.b64encode(wanted.encode()).decode()
    if (
        row is None
        or len(secrets) < 2
        or not hmac.compare_digest(request.headers.get("authorization", ""), wanted)
    ):
        return VendorResponse(401, raw=b"Unauthorized")
    report = VendorObject.objects.filter(
        vendor="adyen", account=row.slug, kind="report", object_id=name
    ).first()
    if report is None:
        return VendorResponse(404, raw=b"")
    return VendorResponse(200, raw=report.data["csv"].encode(), headers={"Content-Type": "text/csv"})


def _unpaid(account: str, currency: str) -> list[VendorObject]:
    things = VendorObject.objects.select_for_update().filter(
        vendor="adyen", account=account, kind__in=["payment", "refund", "dispute"]
    )
    due = [
        thing
        for thing in things.order_by("pk")
        if not thing.hidden.get("paidOut")
        and thing.data["amount"]["currency"] == currency
        and thing.data["amount"]["value"]
        and (thing.kind != "payment" or thing.data["resultCode"] == "Authorised")
    ]
    for thing in due:
        thing.hidden |= {"paidOut": True}
        thing.save(update_fields=["hidden"])
    return due


def _line(thing: VendorObject, merchant: Merchant, day: date, batch: int) -> dict[str, Any]:
    amount = from_adyen(thing.data["amount"]["value"], thing.data["amount"]["currency"])
    fee = Money(FEE_MINOR, amount.currency)
    line = _blank(merchant, day, batch) | {
        "Psp Reference": thing.object_id if thing.kind == "payment" else thing.parent_id,
        "Merchant Reference": thing.data["reference"],
        "Payment Method": thing.data["method"],
        "Type": {"payment": "Settled", "refund": "Refunded", "dispute": "Chargeback"}[thing.kind],
        "Modification Reference": thing.object_id,
        "Gross Currency": amount.currency,
        "Exchange Rate": "1",
        "Net Currency": amount.currency,
    }
    if thing.kind == "payment":
        return line | {"Gross Credit (GC)": str(amount.amount), "Net Credit (NC)": str((amount - fee).amount)}
    return line | {"Gross Debit (GC)": str(amount.amount), "Net Debit (NC)": str((amount + fee).amount)}


def _blank(merchant: Merchant, day: date, batch: int) -> dict[str, Any]:
    blank = dict.fromkeys(HEADER, "")
    return blank | {
        "Company Account": "TestCompany",
        "Merchant Account": merchant.name,
        "Creation Date": f"{day} 04:00:00",
        "TimeZone": "CET",
        "Batch Number": str(batch),
    }


def _csv(lines: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER)
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def _path(merchant: Merchant, name: str) -> str:
    return f"/reports/download/MerchantAccount/{merchant.name}/{name}"
