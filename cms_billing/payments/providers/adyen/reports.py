"""Adyen's settlement details report, as values. No Django.

One line a movement; the line "MerchantPayout" is what went to the bank. Source of the columns and types:
docs.adyen.com/reporting/settlement-reconciliation/transaction-level/settlement-details-report
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from cms_billing.core.money import Money, total

from ..values import PayoutLine, PayoutLineKind, PayoutNotice

# The only file names that are fetched: what stands in an address must not come from anybody else.
REPORT_NAME = re.compile(r"settlement_detail_report_batch_\d{1,9}(_[0-9A-Za-z_-]{1,40})?\.csv\Z")
COLUMNS = (
    "Psp Reference",
    "Creation Date",
    "Type",
    "Modification Reference",
    "Gross Currency",
    "Gross Debit (GC)",
    "Gross Credit (GC)",
    "Net Currency",
    "Net Debit (NC)",
    "Net Credit (NC)",
    "Batch Number",
)
_KINDS = {
    "Settled": PayoutLineKind.PAYMENT,
    "Refunded": PayoutLineKind.REFUND,
    "RefundedReversed": PayoutLineKind.REFUND,
    "Chargeback": PayoutLineKind.CHARGEBACK,
    "ChargebackReversed": PayoutLineKind.CHARGEBACK,
    "SecondChargeback": PayoutLineKind.CHARGEBACK,
    "Fee": PayoutLineKind.FEE,
    "PaymentCost": PayoutLineKind.FEE,
    "MiscCosts": PayoutLineKind.FEE,
    "InvoiceDeduction": PayoutLineKind.FEE,
}
_PAYOUT = "MerchantPayout"


class NoReport(ValueError):
    """The file is no settlement details report."""


def read_report(text: str) -> list[PayoutNotice]:
    """A payout for each batch and currency, with its lines. Raises NoReport."""
    rows = list(csv.DictReader(text.splitlines(), restval=""))
    if not rows or any(column not in rows[0] for column in COLUMNS):
        raise NoReport("Columns of a settlement details report are missing.")
    batches: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for row in rows:
        if row["Net Currency"]:
            batches.setdefault((row["Batch Number"], row["Net Currency"]), []).append(row)
    return [_payout(batch, currency, of_batch) for (batch, currency), of_batch in sorted(batches.items())]


def _payout(batch: str, currency: str, rows: Sequence[Mapping[str, str]]) -> PayoutNotice:
    paid = [row for row in rows if row["Type"] == _PAYOUT]
    lines = [_line(row, number) for number, row in enumerate(rows) if row["Type"] != _PAYOUT]
    amount = (
        total((-_net(row) for row in paid), currency)
        if paid
        else total((line.net for line in lines), currency)
    )
    return PayoutNotice(
        reference=f"batch-{batch}-{currency}",
        amount=amount,
        paid_on=max((day for row in paid if (day := _day(row))), default=None),
        paid=bool(paid),
        lines=lines,
    )


def _line(row: Mapping[str, str], number: int) -> PayoutLine:
    """The fee is what lies between gross and net; between two currencies nobody can say it, and it is left at zero."""
    net, gross = _net(row), _gross(row)
    kind = _KINDS.get(row["Type"], PayoutLineKind.OTHER)
    if kind is PayoutLineKind.FEE:
        gross, fee = Money.zero(net.currency), net
    elif gross is None or gross.currency != net.currency:
        gross, fee = net, Money.zero(net.currency)
    else:
        fee = net - gross
    payment, change = row["Psp Reference"].strip(), row["Modification Reference"].strip()
    return PayoutLine(
        kind=kind,
        reference=change if payment and change else f"{row['Batch Number']}-{number}",
        gross=gross,
        fee=fee,
        net=net,
        payment_reference=payment,
        refund_reference=change if kind is PayoutLineKind.REFUND else "",
        booked_on=_day(row),
        description=change if not payment else row["Type"],
    )


def _net(row: Mapping[str, str]) -> Money:
    return _signed(row["Net Credit (NC)"], row["Net Debit (NC)"], row["Net Currency"])


def _gross(row: Mapping[str, str]) -> Money | None:
    if not row["Gross Currency"]:
        return None
    return _signed(row["Gross Credit (GC)"], row["Gross Debit (GC)"], row["Gross Currency"])


def _signed(credit: str, debit: str, currency: str) -> Money:
    return Money.of(credit.strip() or "0", currency) - Money.of(debit.strip() or "0", currency)


def _day(row: Mapping[str, str]) -> date | None:
    try:
        return date.fromisoformat(row["Creation Date"][:10])
    except ValueError:
        return None


def report_names(names: Iterable[str]) -> list[str]:
    """Those that may be fetched, each once, in the order of their batches."""
    good = {name for name in names if REPORT_NAME.match(name)}
    return sorted(good, key=lambda name: (int(re.findall(r"\d+", name)[0]), name))
