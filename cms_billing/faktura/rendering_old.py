"""HTML to PDF. The renderer is named in ``CMS_BILLING["PDF_RENDERER"]``; the bundled one is WeasyPrint, kept warm."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol, runtime_checkable

from django.utils.module_loading import import_string

from cms_billing.core.conf import billing_settings


@runtime_checkable
class PdfRenderer(Protocol):
    def render(self, html: str) -> bytes:
        """PDF bytes of a complete HTML page; fetches nothing from the network."""
        ...


class WeasyPrintRenderer:
    def render(self, html: str) -> bytes:
        from weasyprint import HTML

        return HTML(string=html).write_pdf()


def pdf_renderer() -> PdfRenderer:
    return _load(billing_settings().pdf_renderer)


@lru_cache(maxsize=8)
def _load(path: str) -> PdfRenderer:
    return import_string(path)()
