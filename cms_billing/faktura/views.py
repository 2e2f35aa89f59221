"""What members see of their own papers."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cms_billing.core import clock
from cms_billing.core.pages import keep_private, private_page

from .selectors import account_documents as read_documents
from .selectors import documents_of_user

PER_PAGE = 25


@login_required
@require_safe
def account_documents(request: HttpRequest) -> HttpResponse:
    page = Paginator(documents_of_user(request.user), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": read_documents(page.object_list, today=clock.today()),
        "page_title": _("Invoices"),
        "active_tab": "billing_documents",
    }
    return private_page(request, "cms_billing/faktura/account/documents.html", context)


@login_required
@require_safe
def account_document_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The archived file, byte for byte; somebody else's document does not exist here."""
    from .archive import archived_pdf

    document = get_object_or_404(documents_of_user(request.user), pk=pk)
    if not document.has_pdf:
        response = private_page(
            request,
            "cms_billing/faktura/account/not_yet.html",
            {"document": document, "page_title": document.number, "active_tab": "billing_documents"},
            status=503,
        )
        response["Retry-After"] = "30"
        return response
    return pdf_response(archived_pdf(document), filename=f"{document.number}.pdf")


def pdf_response(content: bytes, *, filename: str) -> HttpResponse:
    response = FileResponse(
        [content], as_attachment=True, filename=filename.replace("/", "-"), content_type="application/pdf"
    )
    response["Content-Length"] = str(len(content))
    response["X-Content-Type-Options"] = "nosniff"
    return keep_private(response)
