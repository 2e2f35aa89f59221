"""What a mail with a document says: the shipped texts, and the values of their placeholders."""

from __future__ import annotations

from dataclasses import dataclass

from babel.dates import format_date
from django.utils.translation import gettext as _

from cms_billing.core.money import Money

from .models import DocumentKind
from .rendering import DocumentData


@dataclass(frozen=True)
class MailText:
    """Subject and body with placeholders."""

    subject: str
    body: str


def values_of(data: DocumentData, *, open_amount: Money) -> dict[str, str]:
    """The placeholders' values, as people of the document's language write them."""
    locale = data.language.replace("-", "_")
    return {
        "name": data.recipient_name,
        "number": data.number,
        "date": format_date(data.issued_on, format="medium", locale=locale),
        "amount": (data.letter.total if data.letter else data.gross).format(data.language),
        "due_date": format_date(data.pay_until, format="medium", locale=locale) if data.pay_until else "",
        "open_amount": open_amount.format(data.language),
        "issuer": data.issuer.legal_name,
        "payment_link": data.payment_link if open_amount.minor > 0 else "",
    }


def shipped_text(data: DocumentData, *, open_amount: Money) -> MailText:
    """The package's own wording in the active language."""
    if data.letter:
        return _letter_text(data)
    return _TEXTS[DocumentKind(data.kind)](data, open_amount)


def _invoice_text(data: DocumentData, open_amount: Money) -> MailText:
    return MailText(
        _("Your invoice {number}"),
        "\n\n".join(
            [
                _("Hello {name},"),
                _("please find attached your invoice {number} of {date} for {amount}."),
                *_how_to_pay(data, open_amount),
                _("Kind regards\n{issuer}"),
            ]
        ),
    )


def _how_to_pay(data: DocumentData, open_amount: Money) -> list[str]:
    if data.payment_note:
        # Braces in it are no placeholders of ours.
        return [data.payment_note]
    if open_amount.minor <= 0:
        return [_("The invoice has been paid. Thank you.")]
    ask = _("Please pay {open_amount} by {due_date}.") if data.pay_until else _("Please pay {open_amount}.")
    return [ask, _("You can pay online here: {payment_link}")]


def _cancellation_text(data: DocumentData, open_amount: Money) -> MailText:
    return MailText(
        _("Cancellation invoice {number}"),
        "\n\n".join(
            [
                _("Hello {name},"),
                _("please find attached the cancellation invoice {number} of {date}."),
                _what_is_cancelled(data),
                _("Amounts that you have already paid stay to your credit."),
                _("Kind regards\n{issuer}"),
            ]
        ),
    )


def _what_is_cancelled(data: DocumentData) -> str:
    if not data.corrects:
        return ""
    return _("It cancels our invoice %(number)s of %(date)s.") % {
        "number": data.corrects.number,
        "date": format_date(data.corrects.issued_on, format="medium", locale=data.language.replace("-", "_")),
    }


def _correction_text(data: DocumentData, open_amount: Money) -> MailText:
    return MailText(
        _("Invoice correction {number}"),
        "\n\n".join(
            [
                _("Hello {name},"),
                _("please find attached the invoice correction {number} of {date}."),
                _("Kind regards\n{issuer}"),
            ]
        ),
    )


def _letter_text(data: DocumentData) -> MailText:
    """A reminder says in the mail what it says on paper: the text comes from its dunning procedure, and the closing
    after everything that is asked for."""
    letter = data.letter
    assert letter is not None
    claims = [
        _("%(number)s, due on %(date)s: %(open)s")
        % {
            "number": claim.number,
            "date": format_date(claim.due_on, format="medium", locale=data.language.replace("-", "_"))
            if claim.due_on
            else "–",
            "open": claim.open.format(data.language),
        }
        for claim in letter.claims
    ]
    parts = [letter.text, "\n".join(claims)]
    if letter.fee:
        parts.append(_("Reminder fee: %(fee)s") % {"fee": letter.fee.format(data.language)})
    total = _("Total to pay by {due_date}: {amount}") if data.pay_until else _("Total to pay: {amount}")
    parts += [total, letter.lock_notice, _("You can pay online here: {payment_link}")]
    parts += [_("The letter is attached as a PDF."), _("Kind regards\n{issuer}")]
    return MailText(
        f"{letter.subject or _('Payment reminder')} – {{number}}", "\n\n".join(filter(None, parts))
    )


_TEXTS = {
    DocumentKind.INVOICE: _invoice_text,
    DocumentKind.CANCELLATION: _cancellation_text,
    DocumentKind.CREDIT_NOTE: _correction_text,
}
