"""What a draft would look like: its PDF with today's data of the issuer, marked as a draft on every page."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from django.utils import translation
from django.utils.translation import pgettext

from ..models import Document, IssuerSnapshot
from ..services.issuing import snapshot_data
from .data import DocumentData
from .loading import data_of
from .pages import render_pdf

# A fixed box is repeated on every page.
_MARK = """
body::before {
    content: "%s";
    position: fixed;
    top: 95mm;
    left: 0;
    right: 0;
    text-align: center;
    font-size: 72pt;
    font-weight: 700;
    letter-spacing: 0.1em;
    color: rgba(200, 0, 0, 0.14);
    transform: rotate(-32deg);
}
"""


def draft_data(document: Document, *, today: date) -> DocumentData:
    """As if it were issued today, with “Draft” for a number, and without a link to pay it. Writes nothing."""
    preview = Document.objects.select_related("issuer", "customer", "corrects").get(pk=document.pk)
    preview.snapshot = IssuerSnapshot(issuer=preview.issuer, data=snapshot_data(preview.issuer, preview.kind))
    preview.number, preview.issued_on = _draft_word(preview.language), today
    [data] = data_of([preview])
    return replace(data, payment_link="", payment_note="")


def render_draft(document: Document, *, today: date) -> bytes:
    """The PDF of ``draft_data``, with “Draft” across every page."""
    data = draft_data(document, today=today)
    mark = _MARK % data.number.replace("\\", "").replace('"', "")
    return render_pdf(data, extra_css=mark)


def _draft_word(language: str) -> str:
    with translation.override(language):
        return pgettext("billing", "Draft")
