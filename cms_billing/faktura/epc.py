"""The EPC QR code (“GiroCode”): a transfer that a banking app fills in by itself. Pure.

Source: EPC069-12, version 002, UTF-8: amounts in euro between 0.01 and 999,999,999.99.
"""

from __future__ import annotations

from cms_billing.core.money import Money


def epc_payload(*, name: str, iban: str, bic: str, amount: Money, purpose: str) -> str | None:
    """The text to encode, or None where the standard has no code: no IBAN, another currency, nothing to pay."""
    if not iban or amount.currency != "EUR" or not 1 <= amount.minor <= 99_999_999_999:
        return None
    lines = [
        "BCD",
        "002",
        "1",
        "SCT",
        bic,
        name[:70],
        iban.replace(" ", ""),
        f"EUR{amount.amount}",
        "",
        "",
        purpose[:140],
    ]
    return "\n".join(lines)
