"""Doors for the payments app above: how a reader pays, told in letters and mails without faktura knowing payments.

``payments`` registers both functions when the site starts; without it documents carry bank data only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from django.urls import NoReverseMatch, reverse

from cms_billing.core.conf import billing_settings

PaymentLink = Callable[[Sequence[int]], str]
PaymentNotes = Callable[[Sequence[int]], Mapping[int, str]]

_payment_link: list[PaymentLink] = []
_payment_notes: list[PaymentNotes] = []


def register_payment_link(function: PaymentLink) -> None:
    """``function(document_ids)`` returns the absolute address of the page where these documents can be paid."""
    _payment_link[:] = [function]


def register_payment_notes(function: PaymentNotes) -> None:
    """``function(document_ids)`` tells, in the active language, which documents the reader need not transfer.

    Such as ``{17: "We collect the amount from your card."}``; documents it does not name ask for a transfer.
    """
    _payment_notes[:] = [function]


def payment_link(document_ids: Sequence[int]) -> str:
    """Empty where there is no payment page, or where the site has no public address that a letter could show."""
    if not _payment_link or not document_ids:
        return ""
    try:
        link = _payment_link[0](document_ids)
    except NoReverseMatch:
        return ""
    return link if link.startswith(("https://", "http://")) else ""


def account_link(document_id: int) -> str:
    """Where its owner, logged in, reads a document; empty where the site has no account pages or public address."""
    try:
        path = reverse("cms_billing:account_document_pdf", args=[document_id])
    except NoReverseMatch:
        return ""
    site = billing_settings().site_url.rstrip("/")
    return site + path if site else ""


def payment_notes(document_ids: Sequence[int]) -> Mapping[int, str]:
    return _payment_notes[0](document_ids) if _payment_notes and document_ids else {}
