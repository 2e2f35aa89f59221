from django.utils.translation import gettext as _

from cms_billing.core.exceptions import BillingError


class ImplausiblePayment(BillingError):
    """Amount, date or currency of a payment cannot be right; the message says which and why."""


def not_positive(amount: object) -> ImplausiblePayment:
    return ImplausiblePayment(_("A payment is more than zero; %(amount)s is not.") % {"amount": amount})


def in_the_future(day: object) -> ImplausiblePayment:
    return ImplausiblePayment(
        _("The payment cannot have been received on %(day)s: that day is still to come.") % {"day": day}
    )


def before_the_customer(day: object) -> ImplausiblePayment:
    return ImplausiblePayment(_("%(day)s is too long ago for a payment. Check the year.") % {"day": day})


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
