"""The money side: issuer, plans, access rules, contracts, and months of history."""

from collections.abc import Callable


def billing_is_loaded() -> bool:
    return True


def load_billing(*, report: Callable[[str], None]) -> None:
    """Filled once the services exist."""
