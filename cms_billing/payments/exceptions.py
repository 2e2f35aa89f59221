from datetime import date

from django.utils.translation import gettext as _

from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money
from cms_billing.core.texts import amount_text, day_text


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
