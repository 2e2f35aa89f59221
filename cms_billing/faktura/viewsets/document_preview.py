"""The pages of a document as pictures, beside its facts."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404
from django.urls import reverse
from wagtail.admin.ui.components import Component

from cms_billing.core.admin import rows_visible_to
from cms_billing.core.exceptions import BillingError

from ..archive import PDF, read_record
from ..models import ArchiveRecord, Document
from ..rendering.page_images import page_images

# Pixels: a column beside the facts, and the same on a sharp screen.
WIDTHS = (700, 1400)
MAX_PAGES = 40


class PagesAside(Component):
    """The first page at once, the next ones when it is there: ``document_pages.js`` asks until there is none."""

    template_name = "cms_billing/faktura/admin/pages_aside.html"

    def __init__(self, document: Document) -> None:
        self.document = document

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:
        pk = self.document.pk
        return {
            "document": self.document,
            "pdf_url": reverse("billing-document:pdf", args=[pk]),
            "page_url": reverse("billing-document:page", args=[pk, 1]),
            "widths": WIDTHS,
            "max_pages": MAX_PAGES,
        }


def page_view(request: HttpRequest, pk: int, page: int) -> HttpResponse:
    """One page (the first is 1) as PNG. The archived bytes never change: whoever has the picture may keep it."""
    if not request.user.has_perm("cms_billing_faktura.view_document"):
        raise PermissionDenied
    document = get_object_or_404(rows_visible_to(Document, request.user), pk=pk)
    record = get_object_or_404(ArchiveRecord, document=document, content_type=PDF)
    wanted = request.GET.get("w", "")
    width = int(wanted) if wanted in map(str, WIDTHS) else WIDTHS[0]
    tag = f'"{record.sha256[:32]}-{page}-{width}"'
    if request.headers.get("If-None-Match") == tag:
        return _kept(HttpResponseNotModified(), tag)
    return _kept(HttpResponse(_picture(record, page, width), content_type="image/png"), tag)


def _picture(record: ArchiveRecord, page: int, width: int) -> bytes:
    if not 1 <= page <= MAX_PAGES:
        raise Http404
    try:
        pictures = page_images(read_record(record), width=width, first=page - 1, max_pages=1)
    except (BillingError, ValueError) as error:
        raise Http404(str(error)) from error
    if not pictures:
        raise Http404
    return pictures[0]


def _kept(response: HttpResponse, tag: str) -> HttpResponse:
    response["ETag"] = tag
    response["Cache-Control"] = "private, max-age=86400"
    response["X-Content-Type-Options"] = "nosniff"
    return response
