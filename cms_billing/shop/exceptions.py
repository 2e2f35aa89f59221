from django.utils.translation import gettext as _

from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money
from cms_billing.core.texts import amount_text


class NoIssuer(BillingError):
    """Nobody is named who invoices what a partner sells."""

    def __init__(self, *, partner: object) -> None:
        super().__init__(
            _(
                "Nobody invoices what “%(partner)s” sells. Choose an issuer under Billing › Issuers of partners, "
                "then try again."
            )
            % {"partner": partner}
        )


class DoesNotAddUp(BillingError):
    """The lines, shipping and surcharges of an order are not its total."""

    def __init__(self, *, number: str, total: Money, found: Money) -> None:
        super().__init__(
            _(
                "Order %(number)s comes to %(total)s, but its lines, shipping and surcharges to %(found)s. Nothing has "
                "been billed; please look at its discounts."
            )
            % {"number": number, "total": amount_text(total), "found": amount_text(found)}
        )


class NoBillingAddress(BillingError):
    def __init__(self, *, number: str) -> None:
        super().__init__(
            _(
                "Order %(number)s has neither a billing nor a shipping address: nobody can be invoiced. Add an address "
                "to the order, then try again."
            )
            % {"number": number}
        )
