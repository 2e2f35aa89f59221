"""HTML to PDF. The renderer is named in ``CMS_BILLING["PDF_RENDERER"]``; the bundled one is WeasyPrint, kept warm."""

from __future__ import annotations

import atexit
import gc
import hashlib
from functools import cached_property, lru_cache
from typing import Any, Protocol, runtime_checkable

from django.utils.module_loading import import_string

from cms_billing.core.conf import billing_settings

from .fonts import SCHEME, font_bytes, font_faces

_KEPT = 24  # parsed stylesheets: a site has few designs, and each takes some hundred kilobytes


@runtime_checkable
class PdfRenderer(Protocol):
    def render(self, html: str, *, css: str) -> bytes:
        """PDF bytes of a complete HTML page with this stylesheet.

        Fetches nothing from the network or the disk, and gives the same bytes for the same arguments.
        """
        ...


class WeasyPrintRenderer:
    """Keeps the fonts it has found and the stylesheets it has parsed: both cost more than a short invoice."""

    def __init__(self) -> None:
        self._stylesheets: dict[str, Any] = {}

    def render(self, html: str, *, css: str) -> bytes:
        from weasyprint import HTML

        page = HTML(string=html, url_fetcher=self._data_uris_only, base_url="about:blank")
        return page.write_pdf(
            stylesheets=[self._stylesheet(css)],
            font_config=self._fonts,
            pdf_identifier=hashlib.sha256(html.encode()).digest()[:16],
        )

    @cached_property
    def _fonts(self) -> Any:
        """Found and read once: fonts registered with every stylesheet would pile up."""
        from weasyprint import CSS
        from weasyprint.text.fonts import FontConfiguration

        config = FontConfiguration()
        CSS(string=font_faces(), font_config=config, url_fetcher=_our_fonts_only(), base_url="about:blank")
        return config

    @cached_property
    def _data_uris_only(self) -> Any:
        """What a page shows comes inside it: no template and no customer's name can make the server fetch anything."""
        from weasyprint.urls import URLFetcher

        return URLFetcher(allowed_protocols=["data"])

    def _stylesheet(self, css: str) -> Any:
        if css not in self._stylesheets:
            from weasyprint import CSS

            if len(self._stylesheets) >= _KEPT:
                del self._stylesheets[next(iter(self._stylesheets))]
            self._stylesheets[css] = CSS(
                string=css, font_config=self._fonts, url_fetcher=self._data_uris_only, base_url="about:blank"
            )
        return self._stylesheets[css]


def _our_fonts_only() -> Any:
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class OurFontsOnly(URLFetcher):
        def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
            return URLFetcherResponse(url, font_bytes(url), {"Content-Type": "font/ttf"})

    return OurFontsOnly(allowed_protocols=[SCHEME])


def pdf_renderer() -> PdfRenderer:
    return _load(billing_settings().pdf_renderer)


@lru_cache(maxsize=8)
def _load(path: str) -> PdfRenderer:
    return import_string(path)()


def _let_go() -> None:
    """Fonts kept warm are Pango's: released only when Python is torn down, they can end the process with a crash."""
    _load.cache_clear()
    gc.collect()


atexit.register(_let_go)
