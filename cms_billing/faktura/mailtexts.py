"""What a mail with a document says: the shipped texts, and the values of their placeholders.

Shipped texts are templates like an editor's: whatever comes from a document is the value of a placeholder, so that
braces in a name, a reason or a dunning text stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cms_billing.core.money import Money

from .rendering import DocumentData
from .rendering.data import Agreed
from .rendering.text_values import text_values


@dataclass(frozen=True)
class MailText:
    """Subject and body with placeholders."""

    subject: str
    body: str


def values_of(data: DocumentData, *, open_amount: Money, document_link: str = "") -> dict[str, str]:
    """The placeholders' values, as people of the document's language write them."""
    return {
        **text_values(data),
        "open_amount": data.formats.money(open_amount),
        "payment_link": data.payment_link if open_amount.minor > 0 else "",
        "payment_note": data.payment_note,
        "document_link": document_link,
        **_values_of_letter(data),
        **_values_of_notice(data),
    }


def _values_of_notice(data: DocumentData) -> dict[str, str]:
    notice = data.notice
    if notice is None:
        return {}
    return {
        "payment_method": notice.payment_method,
        "refusal_reason": notice.refusal_reason,
        "expiry_date": data.formats.day(notice.expires_on),
        "account_link": notice.account_link,
        "documents": notice.paid_documents,
        "access_notice": _("Your access is open again.") if notice.access_opened else "",
        **(_values_of_agreement(notice.agreed, data) if notice.agreed else {}),
    }


def _values_of_agreement(agreed: Agreed, data: DocumentData) -> dict[str, str]:
    day, amount = agreed.next_part or agreed.parts[-1]
    formats = data.formats
    plan = [
        f"{number}. {formats.day(on)}: {formats.money(part)}"
        for number, (on, part) in enumerate(agreed.parts, start=1)
    ]
    return {
        "documents": agreed.documents,
        "agreed_amount": formats.money(agreed.amount),
        "payment_plan": "\n".join(plan) if len(plan) > 1 else "",
        "instalment_date": formats.day(day),
        "instalment_amount": formats.money(amount),
        "grace_days": str(agreed.grace_days),
    }


def _values_of_letter(data: DocumentData) -> dict[str, str]:
    letter = data.letter
    if letter is None:
        return {}
    claims = [
        _("%(number)s, due on %(date)s: %(open)s")
        % {
            "number": claim.number,
            "date": data.formats.day(claim.due_on) or "–",
            "open": data.formats.money(claim.open),
        }
        for claim in letter.claims
    ]
    return {
        "letter_subject": letter.subject or _("Payment reminder"),
        "letter_text": letter.text,
        "claims": "\n".join(claims),
        **{name: _sum(data, getattr(letter, name)) for name in ("fee", "fees", "interest", "flat")},
        "principal": _sum(data, letter.principal or letter.total),
        "lock_notice": letter.lock_notice,
    }


def _sum(data: DocumentData, amount: Money | None) -> str:
    return data.formats.money(amount) if amount else ""


def shipped_text(data: DocumentData, *, open_amount: Money, linked: bool = False) -> MailText:
    """The package's own wording in the active language. ``linked``: nothing is attached, the mail leads to it."""
    subject, announcement, rest = _WORDING[data.kind](data, open_amount)
    if linked and data.notice is None:
        announcement = _("{number} of {date} is ready for you in your account: {document_link}")
    opening = ["{letter_text}"] if data.letter else [_("Hello {name},"), announcement]
    closing = [announcement] if data.letter else []
    return MailText(subject, "\n\n".join([*opening, *rest, *closing, _("Kind regards\n{issuer}")]))


# Subject, the sentence that says where the document is, and the paragraphs around it.
_Wording = tuple[str, str, list[str]]


def _invoice(data: DocumentData, open_amount: Money) -> _Wording:
    return (
        _("Your invoice {number}"),
        _("please find attached your invoice {number} of {date} for {amount}."),
        _how_to_pay(data, open_amount),
    )


def _how_to_pay(data: DocumentData, open_amount: Money) -> list[str]:
    if data.payment_note:
        return ["{payment_note}"]
    if open_amount.minor <= 0:
        return [_("The invoice has been paid. Thank you.")]
    ask = _("Please pay {open_amount} by {due_date}.") if data.pay_until else _("Please pay {open_amount}.")
    return [ask, _("You can pay online here: {payment_link}")]


def _pro_forma(data: DocumentData, open_amount: Money) -> _Wording:
    return (
        _("Pro forma invoice {number}"),
        _("please find attached our pro forma invoice {number} of {date} for {amount}."),
        [_("It is no invoice for tax purposes and asks for no payment yet; the invoice follows.")],
    )


def _cancellation(data: DocumentData, open_amount: Money) -> _Wording:
    return (
        _("Cancellation invoice {number}"),
        _("please find attached the cancellation invoice {number} of {date}."),
        [
            _("It cancels our invoice {original_number} of {original_date}."),
            _("Amounts that you have already paid stay to your credit."),
        ],
    )


def _credit_note(data: DocumentData, open_amount: Money) -> _Wording:
    return (
        _("Invoice correction {number}"),
        _("please find attached the invoice correction {number} of {date}."),
        [
            _("It corrects our invoice {original_number} of {original_date}."),
            _("Reason: {reason}"),
            _("Amounts that you have already paid stay to your credit."),
        ],
    )


def _refund_receipt(data: DocumentData, open_amount: Money) -> _Wording:
    return (
        _("Your refund {number}"),
        _("we have refunded {amount} to you; please find attached the receipt {number} of {date}."),
        [
            _("Way: {refund_way}\nDate: {refund_date}\nReference: {refund_reference}"),
            _("Depending on your bank it takes a few days until the amount is in your account."),
        ],
    )


def _account_statement(data: DocumentData, open_amount: Money) -> _Wording:
    return (
        _("Your account statement from {period_start} to {period_end}"),
        _("please find attached the statement of your account from {period_start} to {period_end}."),
        [
            _("Balance on {period_end}: {balance}"),
            _("Please tell us if anything in it is not as you expect."),
        ],
    )


def _dunning_letter(data: DocumentData, open_amount: Money) -> _Wording:
    """A reminder says in the mail what it says on paper: the text comes from its dunning procedure, and the closing
    after everything that is asked for."""
    total = _("Total to pay by {due_date}: {amount}") if data.pay_until else _("Total to pay: {amount}")
    return (
        "{letter_subject} – {number}",
        _("The letter is attached as a PDF."),
        [
            "{claims}",
            "\n".join(
                [
                    _("Reminder fees: {fees}"),
                    _("Default interest: {interest}"),
                    _("Flat compensation: {flat}"),
                ]
            ),
            total,
            "{lock_notice}",
            _("You can pay online here: {payment_link}"),
            "\n".join(
                [
                    _("The invoices are attached again: {invoices_again}"),
                    _("Too large for this mail: {invoices_missing}. We are glad to send them on request."),
                ]
            ),
        ],
    )


def _charge_refused(data: DocumentData, open_amount: Money) -> _Wording:
    return (
        _("We could not collect your payment for {number}"),
        _("we tried to collect {open_amount} for {number} of {date}, and it did not work."),
        [
            "{refusal_reason}",
            _("Way of payment: {payment_method}"),
            _("You can pay online here: {payment_link}"),
            _("You find your payment methods here: {account_link}"),
        ],
    )


def _card_expires(data: DocumentData, open_amount: Money) -> _Wording:
    return (
        _("Your card expires soon"),
        _("we collect your payments from {payment_method}, which can be charged until {expiry_date}."),
        [
            _("Please store your new card in time, so that nothing is interrupted: {account_link}"),
            _("If your bank has given us the new card already, there is nothing you have to do."),
        ],
    )


def _agreement_made(data: DocumentData, open_amount: Money) -> _Wording:
    kind = data.notice.agreed.kind if data.notice and data.notice.agreed else ""
    subject, said = _AGREED.get(kind, _AGREED["promise"])
    return (
        str(subject),
        str(said),
        [
            "{payment_plan}",
            _("As long as this is kept, we send you no reminders."),
            _(
                "Should a payment still be missing {grace_days} days after its day, the agreement ends and everything "
                "that is open is due at once."
            ),
            _("We collect each amount on its day from {payment_method}."),
            _("You can pay online here: {payment_link}"),
        ],
    )


_AGREED = {
    "promise": (
        gettext_lazy("Your promise to pay"),
        gettext_lazy(
            "you will pay {agreed_amount} for {documents} by {instalment_date}. Thank you for telling us."
        ),
    ),
    "instalments": (
        gettext_lazy("Your instalment plan"),
        gettext_lazy("we have agreed that you pay {agreed_amount} for {documents} in instalments:"),
    ),
    "deferral": (
        gettext_lazy("Your deferral of payment"),
        gettext_lazy(
            "we have agreed that {agreed_amount} for {documents} need not be paid before {instalment_date}."
        ),
    ),
}


def _instalment_due(data: DocumentData, open_amount: Money) -> _Wording:
    return (
        _("{instalment_amount} due on {instalment_date}"),
        _("as agreed, {instalment_amount} for {documents} is due on {instalment_date}."),
        [
            _("We collect it from {payment_method}; there is nothing you have to do."),
            _("You can pay online here: {payment_link}"),
        ],
    )


def _payment_thanks(data: DocumentData, open_amount: Money) -> _Wording:
    return (
        _("Thank you for your payment"),
        _("thank you, your payment for {documents} has arrived."),
        [
            "{access_notice}",
            _("Should a reminder have crossed with your payment, there is nothing more you have to do."),
        ],
    )


_WORDING: dict[str, Callable[[DocumentData, Money], _Wording]] = {
    "invoice": _invoice,
    "pro_forma": _pro_forma,
    "cancellation": _cancellation,
    "credit_note": _credit_note,
    "refund_receipt": _refund_receipt,
    "account_statement": _account_statement,
    "dunning_letter": _dunning_letter,
    "charge_refused": _charge_refused,
    "card_expires": _card_expires,
    "agreement_made": _agreement_made,
    "instalment_due": _instalment_due,
    "payment_thanks": _payment_thanks,
}
