"""Money as Mollie writes it: a string with exactly as many decimals as the currency has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cms_billing.core.money import Money


def amount_of(money: Money) -> dict[str, str]:
    """``{"currency": "EUR", "value": "10.00"}``; "1000" for JPY."""
    return {"currency": money.currency, "value": format(money.amount, "f")}


def money_of(amount: Mapping[str, Any]) -> Money:
    """Raises InvalidAmount for what the currency cannot express."""
    return Money.of(str(amount["value"]), str(amount["currency"]))
