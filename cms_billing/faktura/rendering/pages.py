"""The HTML page of a document and its stylesheet: templates that a site may override."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils import translation

from .data import DocumentData
from .renderers import pdf_renderer


def document_html(data: DocumentData) -> str:
    """The complete page in the document's language, from ``cms_billing/faktura/pdf/<kind>.html``."""
    with translation.override(data.language):
        return render_to_string(f"cms_billing/faktura/pdf/{data.kind}.html", {"document": data})


def stylesheet() -> str:
    return render_to_string("cms_billing/faktura/pdf/document.css")


def render_pdf(data: DocumentData) -> bytes:
    return pdf_renderer().render(document_html(data), css=stylesheet())
