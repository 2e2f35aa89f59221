"""From an issued document to its PDF: plain data, a template for each kind, a renderer named in the settings.

document → ``DocumentData`` (all that templates see) → HTML + CSS → bytes
"""

from .data import DocumentData
from .design import DesignData
from .loading import document_data
from .pages import document_html, render_pdf, stylesheet
from .renderers import PdfRenderer, WeasyPrintRenderer, pdf_renderer

__all__ = [
    "DesignData",
    "DocumentData",
    "PdfRenderer",
    "WeasyPrintRenderer",
    "document_data",
    "document_html",
    "pdf_renderer",
    "render_pdf",
    "stylesheet",
]
