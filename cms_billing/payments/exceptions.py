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
