"""The HTML page of a document and its stylesheet: templates that a site may override."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils import translation

from cms_billing.core.formats import use_formats

from ..uploads.store import read
from .data import DocumentData
from .design import DesignData
from .designs import known_design, template_of
from .renderers import pdf_renderer
from .underlay import underlay

_PDF = "cms_billing/faktura/pdf"


def document_html(data: DocumentData) -> str:
    """The complete page in the document's language, from ``cms_billing/faktura/pdf/<kind>.html``."""
    with translation.override(data.language), use_formats(data.formats):
        return render_to_string(f"{_PDF}/{data.kind}.html", {"document": data})


def stylesheet(design: DesignData | None = None) -> str:
    """``page.css`` (what is around the text), ``document.css`` (the text) and ``designs/<name>.css`` on top of both."""
    design = design or DesignData()
    parts = (f"{_PDF}/page.css", f"{_PDF}/document.css", template_of(known_design(design.template)))
    return "\n".join(render_to_string(part, {"design": design}) for part in parts)


def render_pdf(data: DocumentData, *, extra_css: str = "") -> bytes:
    """The letter on its letterhead. Raises ArchiveDamaged where a background it was issued with has gone."""
    design = data.design
    pdf = pdf_renderer().render(document_html(data), css=stylesheet(design) + extra_css)
    if not design.first_background and not design.next_background:
        return pdf
    return underlay(
        pdf,
        first=read(design.first_background) if design.first_background else None,
        following=read(design.next_background) if design.next_background else None,
    )
