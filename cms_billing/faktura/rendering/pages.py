"""The HTML page of a document and its stylesheet: templates that a site may override."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils import translation

from .data import DocumentData
from .design import DesignData
from .renderers import pdf_renderer


def document_html(data: DocumentData) -> str:
    """The complete page in the document's language, from ``cms_billing/faktura/pdf/<kind>.html``."""
    with translation.override(data.language):
        return render_to_string(f"cms_billing/faktura/pdf/{data.kind}.html", {"document": data})


def stylesheet(design: DesignData | None = None) -> str:
    """``page.css`` (all that is around the text, for this design) and ``document.css`` (the text)."""
    context = {"design": design or DesignData()}
    return "\n".join(
        render_to_string(f"cms_billing/faktura/pdf/{name}.css", context) for name in ("page", "document")
    )


def render_pdf(data: DocumentData) -> bytes:
    return pdf_renderer().render(document_html(data), css=stylesheet(data.design))
