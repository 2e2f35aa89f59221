"""What can go wrong, said to the person who can mend it.

Every error of the package is a ``BillingError``: its text is a full sentence that names the object and what to do.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext as _


class BillingError(Exception):
    """Base of all errors whose text may be shown to a person."""


class CurrencyMismatch(BillingError, TypeError):
    """Two amounts of different currencies met in one calculation."""

    def __init__(self, one: object, other: object) -> None:
        super().__init__(
            _("%(one)s cannot be combined with %(other)s: the currencies differ.")
            % {"one": one, "other": other}
        )


class UnknownCurrency(BillingError, ValueError):
    """A currency code that ISO 4217 does not know."""

    def __init__(self, code: str) -> None:
        super().__init__(_("“%(value)s” is no currency code, such as EUR or CHF.") % {"value": code})


class InvalidAmount(BillingError, ValueError):
    """An amount that is no exact number of the currency's smallest unit, or far outside what is sold."""

    @classmethod
    def no_number(cls, amount: object) -> InvalidAmount:
        return cls(_("“%(amount)s” is no amount of money.") % {"amount": amount})

    @classmethod
    def too_fine(cls, amount: object, currency: str) -> InvalidAmount:
        values = {"amount": amount, "currency": currency}
        return cls(_("“%(amount)s” has more decimal places than %(currency)s has.") % values)

    @classmethod
    def too_large(cls, amount: object, currency: str) -> InvalidAmount:
        values = {"amount": amount, "currency": currency}
        return cls(_("%(amount)s %(currency)s is more than one amount may be.") % values)


class FrozenRecord(BillingError):
    """Somebody tried to change or delete what has been issued, booked or archived."""


class TimeMachineForbidden(BillingError):
    """The clock may only be moved where ``CMS_BILLING["TIME_MACHINE"]`` says so."""


class PermanentFailure(BillingError):
    """Outside work that no retry can mend: a person has to look at it."""


class NotYet(BillingError):
    """Outside work whose precondition is not there yet: try again after ``wait``, this was no failed attempt.

    No wait at all: work too long for one task, whose next part a worker may begin at once.
    """

    wait = timedelta(minutes=1)


class CopySendsNothing(NotYet):
    """This is a copy of an installation's database: nothing leaves the house until a person confirms it."""
