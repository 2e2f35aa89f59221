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


class CannotPlace(BillingError):
    """An order was paid on a provider's page, and the shop cannot place it as it was shown; the message says why."""


def basket_gone() -> CannotPlace:
    return CannotPlace(_("The basket has been deleted."))


def basket_changed() -> CannotPlace:
    return CannotPlace(_("The basket has changed since it was ordered."))


def no_address() -> CannotPlace:
    return CannotPlace(_("The order has no billing address."))


def not_available(title: str, reason: object) -> CannotPlace:
    return CannotPlace(
        _("“%(title)s” is not available any more: %(reason)s.")
        % {"title": title, "reason": str(reason).rstrip(".")}
    )


class TotalDiffers(CannotPlace):
    """Offers or vouchers have changed; a person may place the order at what was paid."""


def total_differs(*, paid: Money, total: Money) -> TotalDiffers:
    return TotalDiffers(
        _("The order comes to %(total)s by now, but %(paid)s was shown and paid.")
        % {"total": amount_text(total), "paid": amount_text(paid)}
    )


def paid_twice(order: object) -> CannotPlace:
    return CannotPlace(_("Paid twice: the basket has been ordered already (%(order)s).") % {"order": order})


def never_ordered() -> CannotPlace:
    return CannotPlace(
        _("Nobody knows what was ordered: the buyer never got to the page through the checkout.")
    )


def not_billed(reason: str) -> CannotPlace:
    return CannotPlace(_("The order is placed, but cannot be billed: %(reason)s") % {"reason": reason})


class CannotRepair(BillingError):
    """A stray payment cannot be completed or paid back as asked; the message says why."""


def nobody_to_pay_back() -> CannotRepair:
    return CannotRepair(
        _("Nobody knows the buyer's name and address. Pay the money back at the provider's own dashboard.")
    )


def not_received(state: object) -> CannotRepair:
    return CannotRepair(
        _("The provider says of the payment: %(state)s. It can be paid back once it has been received.")
        % {"state": state}
    )


def page_unknown() -> CannotRepair:
    return CannotRepair(_("The provider does not know this payment (any more)."))


def already_ordered(order: object) -> CannotRepair:
    return CannotRepair(
        _(
            "%(order)s has been placed for this payment and waits for its invoice. Mend that, then complete it."
        )
        % {"order": order}
    )
