"""Amounts as Adyen counts them: minor units, with decimals of its own for four currencies. No Django."""

from __future__ import annotations

from typing import Any

from cms_billing.core.exceptions import InvalidAmount
from cms_billing.core.money import Money, exponent

# docs.adyen.com/development-resources/currency-codes: these differ from ISO 4217.
ADYENS_OWN = {"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2}


def to_adyen(amount: Money) -> dict[str, Any]:
    """Raises InvalidAmount where Adyen counts more coarsely than the amount."""
    steps = _steps(amount.currency)
    if steps >= 0:
        return {"currency": amount.currency, "value": amount.minor * 10**steps}
    value, rest = divmod(amount.minor, 10**-steps)
    if rest:
        raise InvalidAmount.too_fine(amount.amount, amount.currency)
    return {"currency": amount.currency, "value": value}


def from_adyen(value: int, currency: str) -> Money:
    """Raises UnknownCurrency, and InvalidAmount where Adyen counts more finely than money is counted here."""
    steps = _steps(currency)
    if steps <= 0:
        return Money(value * 10**-steps, currency)
    minor, rest = divmod(value, 10**steps)
    if rest:
        raise InvalidAmount.too_fine(value, currency)
    return Money(minor, currency)


def _steps(currency: str) -> int:
    """How many digits more than ISO 4217 Adyen writes after the point."""
    return ADYENS_OWN.get(currency, exponent(currency)) - exponent(currency)
