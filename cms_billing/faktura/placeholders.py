"""The placeholders of mail texts: what there is for a kind of document, what was mistyped, putting the values in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

MEANINGS = {
    "name": gettext_lazy("name of the customer"),
    "customer_number": gettext_lazy("number of the customer"),
    "number": gettext_lazy("number of the document"),
    "date": gettext_lazy("date of the document"),
    "amount": gettext_lazy("total"),
    "issuer": gettext_lazy("name of the issuer"),
    "due_date": gettext_lazy("due date"),
    "open_amount": gettext_lazy("amount still open"),
    "payment_link": gettext_lazy("link to the payment page"),
    "payment_note": gettext_lazy("how we collect, where the customer need not transfer anything"),
    "original_number": gettext_lazy("number of the document that is corrected"),
    "original_date": gettext_lazy("date of the document that is corrected"),
    "reason": gettext_lazy("reason of the correction"),
    "refund_way": gettext_lazy("how the money goes back"),
    "refund_date": gettext_lazy("day of the refund"),
    "refund_reference": gettext_lazy("reference of the refund"),
    "period_start": gettext_lazy("first day of the statement"),
    "period_end": gettext_lazy("last day of the statement"),
    "opening_balance": gettext_lazy("balance at the beginning"),
    "balance": gettext_lazy("balance at the end"),
    "letter_subject": gettext_lazy("subject of the dunning level"),
    "letter_text": gettext_lazy("text of the dunning level"),
    "claims": gettext_lazy("list of what is overdue"),
    "fee": gettext_lazy("reminder fee"),
    "lock_notice": gettext_lazy("what happens if nothing is paid"),
    "principal": gettext_lazy("what the claims themselves come to"),
    "fees": gettext_lazy("all reminder fees"),
    "interest": gettext_lazy("default interest"),
    "flat": gettext_lazy("flat compensation"),
    "invoices_again": gettext_lazy("numbers of the invoices that are attached again"),
    "invoices_missing": gettext_lazy("numbers of the invoices that were too large to attach"),
    "document_link": gettext_lazy("link to the document in the customer's account"),
    "refusal_reason": gettext_lazy("why the payment was refused, in plain words"),
    "payment_method": gettext_lazy("card or account, such as “Visa •••• 4242”"),
    "expiry_date": gettext_lazy("last day the card can be charged"),
    "account_link": gettext_lazy("link to the payment methods in the customer's account"),
    "documents": gettext_lazy("numbers of the documents the mail is about"),
    "agreed_amount": gettext_lazy("amount that was agreed on"),
    "access_notice": gettext_lazy("that access is open again, where it was locked"),
    "payment_plan": gettext_lazy("list of the instalments with their days"),
    "instalment_date": gettext_lazy("day the payment, or the next instalment, is due"),
    "instalment_amount": gettext_lazy("amount of the payment, or of the next instalment"),
    "grace_days": gettext_lazy("days of grace before an agreement counts as broken"),
}

# A line with one of these is left out where there is nothing to put in.
MAY_BE_EMPTY = frozenset(
    {
        "payment_link",
        "payment_note",
        "original_number",
        "original_date",
        "reason",
        "refund_way",
        "refund_date",
        "refund_reference",
        "letter_text",
        "claims",
        "fee",
        "lock_notice",
        "fees",
        "interest",
        "flat",
        "invoices_again",
        "invoices_missing",
        "document_link",
        "payment_method",
        "account_link",
        "payment_plan",
        "access_notice",
    }
)

_EVERYWHERE = ("name", "customer_number", "number", "date", "amount", "issuer", "document_link")
_CLAIM = ("due_date", "open_amount", "payment_link")
_CORRECTION = ("original_number", "original_date", "reason")
_AGREEMENT = (
    "documents",
    "agreed_amount",
    "instalment_date",
    "instalment_amount",
    "open_amount",
    "payment_link",
    "payment_method",
)
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "invoice": (*_CLAIM, "payment_note"),
    "pro_forma": ("due_date",),
    "credit_note": (*_CORRECTION, "open_amount"),
    "cancellation": (*_CORRECTION, "open_amount"),
    "refund_receipt": ("refund_way", "refund_date", "refund_reference"),
    "account_statement": ("period_start", "period_end", "opening_balance", "balance"),
    "dunning_letter": (
        *_CLAIM,
        "letter_subject",
        "letter_text",
        "claims",
        "principal",
        "fee",
        "fees",
        "interest",
        "flat",
        "lock_notice",
        "invoices_again",
        "invoices_missing",
    ),
    "charge_refused": (*_CLAIM, "refusal_reason", "payment_method", "account_link"),
    "card_expires": ("payment_method", "expiry_date", "account_link"),
    "agreement_made": (*_AGREEMENT, "payment_plan", "grace_days"),
    "instalment_due": _AGREEMENT,
    "payment_thanks": ("documents", "access_notice"),
}
# Mails that belong to no document.
_OF_THE_CUSTOMER = frozenset({"card_expires", "agreement_made", "instalment_due", "payment_thanks"})
_OF_THE_DOCUMENT = frozenset({"number", "date", "amount", "document_link"})
PLACEHOLDERS = tuple(MEANINGS)

# What a text on the document itself cannot say: it changes after the document was issued, or the document shows it.
_ONLY_IN_MAILS = frozenset(
    {
        "open_amount",
        "payment_link",
        "payment_note",
        "document_link",
        "letter_subject",
        "letter_text",
        "claims",
        "principal",
        "fee",
        "fees",
        "interest",
        "flat",
        "invoices_again",
        "invoices_missing",
        "lock_notice",
        "refusal_reason",
        "payment_method",
        "expiry_date",
        "access_notice",
        "account_link",
        "documents",
        "agreed_amount",
        "payment_plan",
        "instalment_date",
        "instalment_amount",
        "grace_days",
    }
)

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def placeholders_of(kind: str) -> tuple[str, ...]:
    """What mails with this kind of document can say; for an unknown kind everything."""
    if kind not in _OF_KIND:
        return PLACEHOLDERS
    without = _OF_THE_DOCUMENT if kind in _OF_THE_CUSTOMER else frozenset()
    return tuple(
        name
        for name in PLACEHOLDERS
        if (name in _EVERYWHERE and name not in without) or name in _OF_KIND[kind]
    )


def text_placeholders_of(kind: str) -> tuple[str, ...]:
    """What texts printed on this kind of document can say: what is frozen with it."""
    return tuple(name for name in placeholders_of(kind) if name not in _ONLY_IN_MAILS)


def unknown_placeholders(text: str, kind: str = "") -> list[str]:
    return _unknown(text, placeholders_of(kind))


def _unknown(text: str, known: tuple[str, ...]) -> list[str]:
    return sorted({name for name in _PLACEHOLDER.findall(text) if name not in known})


def validate_placeholders(text: str, kind: str = "") -> None:
    """Raises ValidationError that names what an editor has mistyped, and what there is."""
    _validate(text, placeholders_of(kind))


def validate_text_placeholders(text: str, kind: str) -> None:
    """The same for what is printed on documents of this kind."""
    _validate(text, text_placeholders_of(kind))


def _validate(text: str, known: tuple[str, ...]) -> None:
    if unknown := _unknown(text, known):
        raise ValidationError(
            _("There is no placeholder %(unknown)s. You can use: %(known)s."),
            code="unknown_placeholder",
            params={"unknown": in_braces(unknown), "known": in_braces(known)},
        )


def in_braces(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put the values in, once: a customer called “{iban}” stays one. What is no placeholder stays as it is.

    Lines about something there is not, such as a payment page, are left out; what is left of a paragraph closes up.
    """
    nothing = {name for name in MAY_BE_EMPTY if not values.get(name)}
    lines = text.split("\n")
    kept = [line for line in lines if not nothing & set(_PLACEHOLDER.findall(line))]
    if len(kept) < len(lines):
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n")
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)
