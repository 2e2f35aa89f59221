"""What people do with one document: send again, cancel, read the PDF."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from wagtail.admin import messages

from cms_billing.core.admin import rows_visible_to
from cms_billing.core.exceptions import BillingError

from ..archive import PDF, archived_pdf, pdf_filename
from ..models import Document
from ..selectors import with_standing


def pdf_view(request: HttpRequest, pk: int) -> HttpResponse:
    """The archived bytes, shown in the browser."""
    if not request.user.has_perm("cms_billing_faktura.view_document"):
        raise PermissionDenied
    document = get_object_or_404(with_standing(rows_visible_to(Document, request.user)), pk=pk, has_pdf=True)
    try:
        content = archived_pdf(document)
    except BillingError as error:
        messages.error(request, str(error))
        return redirect("billing-document:inspect", pk)
    response = HttpResponse(content, content_type=PDF)
    response["Content-Disposition"] = f'inline; filename="{pdf_filename(document.number)}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response
