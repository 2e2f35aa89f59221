"""What members see of their own papers."""

from __future__ import annotations

import io
import logging

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.core.pages import keep_private, private_page

from .archive import NotArchivedYet, archived_pdf, pdf_filename
from .models import Document
from .selectors import account_documents as read_documents
from .selectors import credits_of_user, documents_of_user, open_items_of_user

PER_PAGE = 25
logger = logging.getLogger(__name__)


@login_required
@require_safe
def account_documents(request: HttpRequest) -> HttpResponse:
    page = Paginator(documents_of_user(request.user), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": read_documents(page.object_list, today=clock.today()),
        "credits": credits_of_user(request.user),
        "open_count": open_items_of_user(request.user).count(),
        "page_title": _("Invoices"),
        "active_tab": "billing_documents",
    }
    return private_page(request, "cms_billing/faktura/account/documents.html", context)


@login_required
@require_safe
def account_document_pdf(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The archived file, byte for byte; somebody else's document does not exist here."""
    document = get_object_or_404(Document.objects.of_user(request.user), pk=pk)
    try:
        content = archived_pdf(document)
    except NotArchivedYet as reason:
        return _no_pdf(request, document, reason)
    except BillingError as error:
        logger.exception("The PDF of %s cannot be handed out.", document)
        return _no_pdf(request, document, error)
    return pdf_response(content, filename=pdf_filename(document.number))


def _no_pdf(request: HttpRequest, document: Document, reason: BillingError) -> HttpResponse:
    context = {
        "document": document,
        "is_coming": isinstance(reason, NotArchivedYet),
        "page_title": document.number,
        "active_tab": "billing_documents",
    }
    response = private_page(request, "cms_billing/faktura/account/not_yet.html", context, status=503)
    response["Retry-After"] = "30"
    return response


def pdf_response(content: bytes, *, filename: str) -> FileResponse:
    response = FileResponse(
        io.BytesIO(content), as_attachment=True, filename=filename, content_type="application/pdf"
    )
    response["X-Content-Type-Options"] = "nosniff"
    return keep_private(response)
