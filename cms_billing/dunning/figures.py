"""What a letter asks for, by kind of claim. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cms_billing.core.formats import Formats
from cms_billing.core.money import Money


@dataclass(frozen=True)
class Figures:
    """All in minor units of the letter's currency. ``principal_minor`` are the claims themselves; ``fee_minor`` is the
    fee of this letter and part of ``fees_minor``."""

    principal_minor: int
    fee_minor: int = 0
    fees_minor: int = 0
    interest_minor: int = 0
    flat_minor: int = 0

    @property
    def total_minor(self) -> int:
        return self.principal_minor + self.fees_minor + self.interest_minor + self.flat_minor

    def stored(self) -> dict[str, int]:
        """For ``Document.extra``."""
        return {
            "principal_minor": self.principal_minor,
            "fee_minor": self.fee_minor,
            "fees_minor": self.fees_minor,
            "interest_minor": self.interest_minor,
            "flat_minor": self.flat_minor,
            "total_minor": self.total_minor,
        }

    def printed(self, formats: Formats, currency: str) -> dict[str, str]:
        """The values of the placeholders. What is zero is empty, so that its line is left out of the text."""

        def money(minor: int) -> str:
            return formats.money(Money(minor, currency))

        return {
            "total": money(self.total_minor),
            "principal": money(self.principal_minor),
            "fee": money(self.fee_minor),
            "fees": money(self.fees_minor) if self.fees_minor else "",
            "interest": money(self.interest_minor) if self.interest_minor else "",
            "flat": money(self.flat_minor) if self.flat_minor else "",
        }
