from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from cms_billing.core.exceptions import BillingError, NotYet, PermanentFailure
from cms_billing.core.money import Money
from cms_billing.core.texts import amount_text, day_text

if TYPE_CHECKING:
    from .models import PaymentSession


class ImplausiblePayment(BillingError):
    """Amount, date or currency of a payment cannot be right; the message says which and why."""


def not_positive(amount: Money) -> ImplausiblePayment:
    return ImplausiblePayment(
        _("A payment is more than zero; %(amount)s is not.") % {"amount": amount_text(amount)}
    )


def in_the_future(day: date) -> ImplausiblePayment:
    return ImplausiblePayment(
        _("The payment cannot have been received on %(day)s: that day is still to come.")
        % {"day": day_text(day)}
    )


def before_the_customer(day: date) -> ImplausiblePayment:
    return ImplausiblePayment(
        _("%(day)s is too long ago for a payment. Check the year.") % {"day": day_text(day)}
    )


def wrong_currency(given: str, expected: str) -> ImplausiblePayment:
    return ImplausiblePayment(
        _(
            "The document is in %(expected)s, the payment in %(given)s: they cannot be settled with each other."
        )
        % {"given": given, "expected": expected}
    )


def foreign_document(document: object, customer: object) -> ImplausiblePayment:
    return ImplausiblePayment(
        _("%(document)s does not belong to %(customer)s.") % {"document": document, "customer": customer}
    )


def more_than_paid(amount: Money, paid: Money) -> ImplausiblePayment:
    return ImplausiblePayment(
        _("%(amount)s cannot have gone back of a payment of %(paid)s.")
        % {"amount": amount_text(amount), "paid": amount_text(paid)}
    )


class CannotRefund(BillingError):
    """Money that cannot be paid back as asked; the message says why and what would do."""


def above_the_credit(customer: object, most: Money, promised: Money) -> CannotRefund:
    values = {"customer": customer, "most": amount_text(most), "promised": amount_text(promised)}
    if promised.minor:
        return CannotRefund(
            _("%(customer)s can get back %(most)s at most; %(promised)s are on their way already.") % values
        )
    if most.minor == 0:
        return CannotRefund(
            _("%(customer)s has no credit: issue a correction or cancellation first.") % values
        )
    return CannotRefund(_("%(customer)s has a credit of %(most)s: pay back no more than that.") % values)


def above_the_payment(payment: object, left: Money) -> CannotRefund:
    values = {"payment": payment, "left": amount_text(left)}
    return CannotRefund(
        _("%(left)s are left of %(payment)s: pay back no more through it, and the rest by transfer.") % values
        if left.minor > 0
        else _("Nothing is left of %(payment)s: pay back by transfer.") % values
    )


def provider_pays_nothing_back(payment: object) -> CannotRefund:
    return CannotRefund(
        _("%(payment)s cannot be paid back the way it came. Pay back by transfer instead.")
        % {"payment": payment}
    )


def not_their_payment(payment: object, customer: object) -> CannotRefund:
    return CannotRefund(_("%(payment)s is not of %(customer)s.") % {"payment": payment, "customer": customer})


def wrong_iban(message: str) -> CannotRefund:
    return CannotRefund(message)


def no_account_holder() -> CannotRefund:
    return CannotRefund(_("Say whose account the money goes to."))


def refund_is(refund: object, state: object) -> CannotRefund:
    return CannotRefund(
        _("%(refund)s is “%(state)s” by now; nothing was changed.") % {"refund": refund, "state": state}
    )


def not_told_by_the_provider(payment: object, told: Money) -> CannotRefund:
    return CannotRefund(
        _(
            "The provider told of %(told)s paid back of %(payment)s that were not entered: enter no more than that."
        )
        % {"payment": payment, "told": amount_text(told)}
    )


def paid_on_impossible_day(day: date) -> CannotRefund:
    return CannotRefund(
        _("The money cannot have gone back on %(day)s. Check the date.") % {"day": day_text(day)}
    )


class LinkNotValid(BillingError):
    """A payment link is damaged or too old; the message says which and how to get on."""


def link_unreadable() -> LinkNotValid:
    return LinkNotValid(
        _("This payment link is incomplete or has been changed. Please copy the whole link from the message.")
    )


def link_expired() -> LinkNotValid:
    return LinkNotValid(
        _(
            "This payment link has expired. Please sign in to pay, or use the link in the newest message you got."
        )
    )


class CannotOpenPage(BillingError):
    """The provider's page could not be opened; the message says what the payer can do."""


def page_not_opened(error: Exception) -> CannotOpenPage:
    """What the payer can do; the provider's own words are for the editor and stay in the cause."""
    if isinstance(error, PermanentFailure):
        return CannotOpenPage(
            _(
                "This cannot be paid that way: the amount may be too small for it, or the currency is not offered. "
                "Please choose another way to pay."
            )
        )
    if isinstance(error, NotYet):
        return CannotOpenPage(_("This way to pay is not available at the moment. Please choose another one."))
    return CannotOpenPage(
        _(
            "The payment service does not answer at the moment. Nothing has been taken. Please try again in a few "
            "minutes, or choose another way to pay."
        )
    )


def no_page_on_a_copy() -> CannotOpenPage:
    return CannotOpenPage(
        _("No payment is taken here: this site runs on a copy of its database. Nothing has been paid.")
    )


def page_opens_elsewhere() -> CannotOpenPage:
    return CannotOpenPage(
        _("The payment page is being opened in another window. Please go on there, or try again.")
    )


def too_many_pages() -> CannotOpenPage:
    return CannotOpenPage(
        _("The payment page was opened very often just now. Please wait an hour, or pay by bank transfer.")
    )


class NothingToPay(BillingError):
    """What was chosen cannot be paid as it was shown: paid meanwhile, under way, or another amount by now."""


def paid_meanwhile() -> NothingToPay:
    return NothingToPay(
        _("This has been paid meanwhile, or a payment for it is under way: please do not pay twice.")
    )


def amount_changed() -> NothingToPay:
    return NothingToPay(_("What is open has changed meanwhile. Please look at the amount again."))


def nothing_chosen() -> NothingToPay:
    return NothingToPay(_("Please tick what you would like to pay."))


class AlreadyCompleted(BillingError):
    """The payer has paid on the page that was open; ``session`` is the one."""

    def __init__(self, session: PaymentSession) -> None:
        super().__init__(_("This has been paid already, on a page that was still open."))
        self.session = session


def page_not_known_yet() -> NotYet:
    return NotYet(_("The provider does not know the completed page yet."))


class CannotComplete(BillingError):
    """Money was paid on a page, and what it was for cannot be done; the message says why. A person decides."""

    @classmethod
    def without_customer(cls) -> CannotComplete:
        return cls(_("The payment belongs to nobody we know."))


class TestedJustNow(BillingError):
    """The connection was tested a moment ago."""

    __test__ = False


def tested_just_now() -> TestedJustNow:
    return TestedJustNow(_("The connection was tested just now. Wait ten seconds before the next test."))


class StillAtWork(BillingError):
    """A worker is at this row just now."""


def still_at_work() -> StillAtWork:
    return StillAtWork(_("A worker is at it just now. Look again in a minute."))


class CannotReconcile(PermanentFailure):
    """Payouts cannot be read, or a difference cannot be settled as asked; the message says why."""


def tells_no_payouts(account: object) -> CannotReconcile:
    return CannotReconcile(
        _("The provider of “%(account)s” does not tell what it pays out.") % {"account": account}
    )


def reads_no_reports(account: object) -> CannotReconcile:
    return CannotReconcile(
        _("The provider of “%(account)s” has no reports to read: it is asked for its payouts.")
        % {"account": account}
    )


def lists_no_payments(account: object) -> CannotReconcile:
    return CannotReconcile(
        _("The provider of “%(account)s” has no list of payments to compare with.") % {"account": account}
    )


def mixed_payout(reference: str) -> CannotReconcile:
    return CannotReconcile(
        _("The payout %(reference)s has movements in another currency than its own: it was not kept.")
        % {"reference": reference}
    )


def already_settled() -> CannotReconcile:
    return CannotReconcile(_("This difference is settled already."))


def comparison_is_running() -> CannotReconcile:
    return CannotReconcile(_("The provider is being asked about this already. Wait until that is done."))


def too_old_to_repeat(row: object, key: object) -> PermanentFailure:
    return PermanentFailure(
        _(
            "Nobody knows whether %(row)s was carried out: the answer was lost, no webhook came, and it is too "
            "long ago to send it again safely. Look for the reference %(key)s at the provider. If it is there, "
            "let the provider send its webhook again."
        )
        % {"row": row, "key": key}
    )
