"""Why a charge was refused, as members read it: whole sentences, no code, and what their bank may tell them itself.

That a card was reported lost or stolen, or is suspected of fraud, is for the bank to say: whoever reads our mail may
not be the card's owner.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .refusal_codes import Meaning

FOR_MEMBERS: Mapping[Meaning, Promise] = {
    Meaning.NO_MONEY: _("There was not enough money in the account."),
    Meaning.LIMIT: _("The limit of your card or account was reached."),
    Meaning.EXPIRED: _("Your card has expired."),
    Meaning.WRONG_DATA: _("The details of your card are not correct."),
    Meaning.AUTHENTICATION: _("Your bank wants you to confirm this payment yourself."),
    Meaning.LOST: _("Your bank has blocked this card."),
    Meaning.BLOCKED: _("Your bank has blocked this card."),
    Meaning.FRAUD: _("Your bank declined the payment."),
    Meaning.NOT_SUPPORTED: _("This card or account cannot be used for this payment."),
    Meaning.ACCOUNT_CLOSED: _("This account does not exist any more, or takes no direct debits."),
    Meaning.NO_MANDATE: _("We have no valid permission any more to collect from your account."),
    Meaning.WITHDRAWN: _("The permission for this payment has been withdrawn at your bank."),
    Meaning.OBJECTED: _("The payment was returned at your request."),
    Meaning.BANK_NOT_REACHED: _("Your bank could not be reached."),
    Meaning.DECLINED: _("Your bank declined the payment without giving a reason."),
    Meaning.UNKNOWN: _("The payment did not go through."),
}
