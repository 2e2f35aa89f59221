"""Stripe's smallest units and ours. They are the same but for a few currencies.

Source: https://docs.stripe.com/currencies, "Zero-decimal" and "Special cases".
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money, exponent
from cms_billing.core.texts import amount_text

# Without decimals for everybody else, with two for Stripe, which must be zeros.
_WRITTEN_WITH_TWO_ZEROS = {"ISK", "UGX"}


def to_stripe(money: Money) -> int:
    """Raises PermanentFailure for the last of three decimals, which Stripe does not take."""
    if money.currency in _WRITTEN_WITH_TWO_ZEROS:
        return money.minor * 100
    if exponent(money.currency) == 3 and money.minor % 10:
        raise PermanentFailure(
            _("Stripe takes no more than two decimals in %(currency)s: %(amount)s cannot be paid with it.")
            % {"currency": money.currency, "amount": amount_text(money)}
        )
    return money.minor


def from_stripe(amount: int, currency: str) -> Money:
    code = currency.upper()
    return Money(amount // 100 if code in _WRITTEN_WITH_TWO_ZEROS else amount, code)
