"""What the law and the house ask of a document. Pure functions on plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from cms_billing.core.money import round_half_up


@dataclass(frozen=True)
class Rate:
    """One dated tax rate; ``percent`` such as 19."""

    code: str
    percent: Decimal
    valid_from: date
    notice: str = ""


class NoRate(LookupError):
    """No tax rate is recorded for this code and day."""


def rate_on(rates: Iterable[Rate], *, code: str, day: date) -> Rate:
    """The rate of ``code`` in force on ``day``; raises NoRate."""
    known = [rate for rate in rates if rate.code == code and rate.valid_from <= day]
    if not known:
        raise NoRate(code, day)
    return max(known, key=lambda rate: rate.valid_from)


# § 14 (4) UStG no. 1 and 2; the same fields for a small business under § 34a UStDV.
_ISSUER_FIELDS = ("legal_name", "street", "postal_code", "city", "country")
_RECIPIENT_FIELDS = ("name", "street", "postal_code", "city", "country")


def missing_on_invoice(issuer: Mapping[str, str], recipient: Mapping[str, str]) -> list[str]:
    """Names of the fields without which the law would not accept an invoice, such as ``issuer.street``.

    § 14 (4) no. 1 UStG: full name and address of both; no. 2: tax number or VAT id of the issuer.
    """
    missing = [f"issuer.{name}" for name in _ISSUER_FIELDS if not issuer.get(name, "").strip()]
    if not (issuer.get("tax_number", "").strip() or issuer.get("vat_id", "").strip()):
        missing.append("issuer.tax_number")
    missing += [f"customer.{name}" for name in _RECIPIENT_FIELDS if not recipient.get(name, "").strip()]
    return missing


@dataclass(frozen=True)
class Cancellable:
    """What a correction has to know of a document; ``deducted_by``: the final invoice that takes a deposit off."""

    kind: str
    state: str
    number: str
    cancelled_by: str | None
    deducted_by: str | None = None


CANCELLABLE_KINDS = frozenset({"invoice"})


def obstacle_to_cancelling(document: Cancellable) -> str | None:
    """Why a document can be neither cancelled nor corrected in part (a key of ``exceptions.OBSTACLES``), or None.

    A cancellation never can be cancelled: what was wrongly cancelled is invoiced anew.
    """
    if document.state != "issued":
        return "draft"
    if document.kind not in CANCELLABLE_KINDS:
        return "kind"
    if document.cancelled_by is not None:
        return "cancelled"
    if document.deducted_by is not None:
        return "deducted"
    return None


def unit_price(price_minor: int, quantity: Decimal) -> int:
    """What a unit costs, to the nearest minor unit; exact where the price divides evenly."""
    return round_half_up(price_minor / quantity)


def spread_payment(amount: int, open_amounts: Sequence[tuple[int, int]]) -> tuple[list[tuple[int, int]], int]:
    """Settle open items in the order given (oldest first): ``[(item id, part)]`` and what is left on account.

    All in minor units. § 366 (2) BGB: the older debt first where the payer named none.
    """
    parts = []
    left = amount
    for item, still_open in open_amounts:
        part = min(left, still_open)
        if part > 0:
            parts.append((item, part))
            left -= part
    return parts, left
