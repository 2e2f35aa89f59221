from __future__ import annotations

from datetime import date, timedelta

from django.utils.translation import gettext as _

from cms_billing.core.exceptions import BillingError, NotYet
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


class NothingToWaive(BillingError):
    """There are no fees and no interest left to waive."""

    def __init__(self, *, document: object) -> None:
        super().__init__(
            _("There are no fees and no interest on %(document)s that could be waived.")
            % {"document": document}
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


class CannotAgree(BillingError):
    """No agreement with the customer about these documents now; the message says why, also to members."""

    @classmethod
    def nothing_owed(cls) -> CannotAgree:
        return cls(_("Nothing is owed any more."))

    @classmethod
    def mixed(cls) -> CannotAgree:
        return cls(_("An agreement is about documents of one customer in one currency."))

    @classmethod
    def runs_already(cls) -> CannotAgree:
        return cls(_("An agreement about this is running already."))

    @classmethod
    def handed_over(cls) -> CannotAgree:
        return cls(_("The claim has been handed over to a collection agency. Please agree with them."))

    @classmethod
    def broken_before(cls) -> CannotAgree:
        return cls(_("An agreement about this was not kept. Please write to us."))

    @classmethod
    def not_overdue(cls) -> CannotAgree:
        return cls(_("It is not overdue yet: there is time to pay."))

    @classmethod
    def not_offered(cls) -> CannotAgree:
        return cls(_("This cannot be agreed on here. Please choose one of the offers, or write to us."))

    @classmethod
    def amount_changed(cls) -> CannotAgree:
        return cls(_("The amount has changed meanwhile. Please look at it again."))

    @classmethod
    def in_the_past(cls) -> CannotAgree:
        return cls(_("The first payment cannot be due before today."))

    @classmethod
    def wrong_count(cls) -> CannotAgree:
        return cls(_("A plan has from 2 to 120 instalments of at least a cent."))

    @classmethod
    def over(cls, agreement: object) -> CannotAgree:
        return cls(_("%(agreement)s is over already.") % {"agreement": agreement})


class InDunningAlready(BillingError):
    """A document has a live case."""

    def __init__(self, *, document: object) -> None:
        super().__init__(_("%(document)s is in dunning already.") % {"document": document})


class WrongLevel(BillingError):
    """A case cannot be put on that level; the message says why."""

    @classmethod
    def same(cls, level: int) -> WrongLevel:
        return cls(_("The case is on level %(level)s already.") % {"level": level})

    @classmethod
    def unknown(cls, level: int, *, lowest: int, highest: int) -> WrongLevel:
        return cls(
            _("There is no level %(level)s: the procedure has levels %(lowest)s to %(highest)s.")
            % {"level": level, "lowest": lowest, "highest": highest}
        )


class NotPaidByIt(BillingError):
    """A payment that settles nothing of a document cannot come back for it."""

    def __init__(self, *, document: object) -> None:
        super().__init__(_("That payment settles nothing of %(document)s.") % {"document": document})


class PaymentUnderWay(NotYet):
    """A letter is not sent while what it asks for is being paid; it is looked at again."""

    wait = timedelta(hours=1)

    def __init__(self) -> None:
        super().__init__(_("A payment for everything this letter asks for is under way."))
