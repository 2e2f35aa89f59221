"""What became of a visit to a provider's page, in plain words for the payer who is back."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from cms_billing.core.texts import amount_text

from .models import Payment, PaymentSession
from .refusals import refusal_of

State, MoneyState = PaymentSession.State, PaymentSession.Money


@dataclass(frozen=True)
class Outcome:
    """``tone``: good, pending or bad. ``url``: the provider's page, where the payer may go on."""

    tone: str
    title: str
    text: str
    url: str = ""


def outcome_of(session: PaymentSession) -> Outcome:
    """Read from our rows; the provider was asked when the payer came back."""
    match session.state:
        case State.COMPLETED:
            return _completed(session)
        case State.CANCELLED:
            text = _("You have left the payment page. Nothing has been taken.")
            return Outcome("bad", _("Payment cancelled"), text)
        case State.EXPIRED:
            text = _("The payment page was open for too long. Nothing has been taken; please try again.")
            return Outcome("bad", _("Payment page expired"), text)
        case State.FAILED:
            return _refused(session)
    text = _("The payment is not complete yet. You can go on where you left.")
    return Outcome("pending", _("Not paid yet"), text, url=session.url)


def _completed(session: PaymentSession) -> Outcome:
    if not session.amount_minor:
        return _stored(session)
    values = {"amount": amount_text(session.amount)}
    payment = Payment.objects.filter(session=session).first()
    state = payment.state if payment else ""
    if state == Payment.State.FAILED or (payment is None and session.money == MoneyState.FAILED):
        return _refused(session)
    if state == Payment.State.SETTLED:
        text = _("We have received %(amount)s.") % values
        return Outcome("good", _("Thank you!"), text)
    if payment is None and session.money == MoneyState.SETTLED:
        text = _("Your payment of %(amount)s is confirmed. It will be booked in a moment.") % values
        return Outcome("good", _("Thank you!"), text)
    if state == Payment.State.CHARGED_BACK or session.money == MoneyState.RETURNED:
        text = _("%(amount)s went back to you.") % values
        return Outcome("bad", _("Payment returned"), text)
    text = _(
        "Your payment of %(amount)s is under way. Banks may take some days; there is nothing you have to do, and "
        "please do not pay a second time."
    )
    return Outcome("pending", _("Thank you!"), text % values)


def _stored(session: PaymentSession) -> Outcome:
    if session.work_state != PaymentSession.WorkState.DONE:
        text = _("Your card or account is being stored; it appears here in a moment.")
        return Outcome("pending", _("Thank you!"), text)
    return Outcome("good", _("Thank you!"), _("Your card or account is stored."))


def _refused(session: PaymentSession) -> Outcome:
    if not session.amount_minor:
        text = _("Your card or account could not be stored. Please try again, or choose another one.")
        return Outcome("bad", _("Not stored"), text)
    text = _("The payment was refused, and nothing has been taken. Please try again, or choose another way.")
    if session.refusal_code:
        # Why, in the words that members get by mail as well.
        why = refusal_of(session.account.provider, session.refusal_code).member_text
        text = f"{why} {text}"
    return Outcome("bad", _("Payment refused"), text)
