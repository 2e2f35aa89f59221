"""What can go wrong, said to the person who can mend it.

Every error of the package is a ``BillingError``: its text is a full sentence that names the object and what to do.
"""


class BillingError(Exception):
    """Base of all errors whose text may be shown to a person."""


class CurrencyMismatch(BillingError, TypeError):
    """Two amounts of different currencies met in one calculation."""


class UnknownCurrency(BillingError, ValueError):
    """A currency code that ISO 4217 does not know."""


class InvalidAmount(BillingError, ValueError):
    """An amount that is no exact number of the currency's smallest unit, or far outside what is sold."""


class FrozenRecord(BillingError):
    """Somebody tried to change or delete what has been issued, booked or archived."""


class TimeMachineForbidden(BillingError):
    """The clock may only be moved where ``CMS_BILLING["TIME_MACHINE"]`` says so."""


class PermanentFailure(BillingError):
    """Outside work that no retry can mend: a person has to look at it."""


class NotYet(BillingError):
    """Outside work whose precondition is not there yet: try again later, this was no failed attempt."""
