from datetime import date

from django.utils.translation import gettext as _

from cms_billing.core.exceptions import BillingError
from cms_billing.core.texts import day_text


class CannotDun(BillingError):
    """A step that a person asked for is not possible now; the message says why."""

    def __init__(self, *, document: object, reason: str) -> None:
        super().__init__(_("No step for %(document)s: %(reason)s") % {"document": document, "reason": reason})


class WrongStep(BillingError):
    """A case cannot go from its state to the one asked for."""

    def __init__(self, *, case: object, state: object, wanted: object) -> None:
        super().__init__(
            _("The case %(case)s is “%(state)s” and cannot become “%(wanted)s”.")
            % {"case": case, "state": state, "wanted": wanted}
        )


class NoFee(BillingError):
    """There is no fee left to waive."""

    def __init__(self, *, document: object) -> None:
        super().__init__(
            _("There is no dunning fee on %(document)s that could be waived.") % {"document": document}
        )


class ReasonMissing(BillingError):
    """Stopping a case or blocking a customer wants a reason, for whoever asks later."""

    def __init__(self) -> None:
        super().__init__(_("Say why, so that whoever looks at it later knows."))


class NoProcedure(BillingError):
    """An issuer has overdue claims and no dunning procedure."""

    def __init__(self, *, issuer: object) -> None:
        super().__init__(
            _(
                "Nobody is reminded: %(issuer)s has no dunning procedure in use. Add one under Billing › Dunning."
            )
            % {"issuer": issuer}
        )


class WrongHold(BillingError):
    """A block or dispute that cannot be meant, or cannot be decided now."""


def has_passed(day: date) -> WrongHold:
    return WrongHold(
        _("%(day)s has passed: choose a day to come, or none for a block without end.")
        % {"day": day_text(day)}
    )


def own_hold(hold: object) -> WrongHold:
    return WrongHold(_("“%(hold)s” has to be approved by somebody else than who set it.") % {"hold": hold})


def does_not_wait(hold: object) -> WrongHold:
    return WrongHold(_("“%(hold)s” does not wait for a decision.") % {"hold": hold})


def not_standing(hold: object) -> WrongHold:
    return WrongHold(_("“%(hold)s” does not stand, so there is nothing to lift.") % {"hold": hold})


def foreign_hold(customer: object) -> WrongHold:
    return WrongHold(_("That contract or document does not belong to %(customer)s.") % {"customer": customer})
