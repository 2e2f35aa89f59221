"""The sandbox's inbox. Everyone may read everything: there are no real people in it."""

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.clickjacking import xframe_options_sameorigin

from .models import Attachment, SentMail

MAILS_A_PAGE = 25
SHOWN_IN_BROWSER = {"application/pdf", "image/png", "image/jpeg", "text/plain"}


def mail_list(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "").strip()
    mails = SentMail.objects.annotate(attachment_count=Count("attachments")).defer("source", "html")
    if query:
        mails = mails.filter(Q(subject__icontains=query) | Q(recipients__icontains=query))
    page = Paginator(mails.order_by("-pk"), MAILS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "sandbox_mails/list.html", {"page_obj": page, "query": query})


def mail_detail(request: HttpRequest, pk: int) -> HttpResponse:
    mail = get_object_or_404(SentMail.objects.defer("source"), pk=pk)
    return render(
        request,
        "sandbox_mails/detail.html",
        {"mail": mail, "attachments": mail.attachments.defer("content")},
    )


@xframe_options_sameorigin
def mail_html(request: HttpRequest, pk: int) -> HttpResponse:
    """The HTML part alone, for the frame in the detail page; scripts and outside hosts stay off."""
    response = HttpResponse(get_object_or_404(SentMail, pk=pk).html)
    response["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"
    )
    return response


def mail_attachment(request: HttpRequest, pk: int, attachment_pk: int) -> HttpResponse:
    attachment = get_object_or_404(Attachment, pk=attachment_pk, mail_id=pk)
    inline = attachment.content_type in SHOWN_IN_BROWSER
    response = HttpResponse(
        bytes(attachment.content),
        headers={
            "Content-Type": attachment.content_type if inline else "application/octet-stream",
            "X-Content-Type-Options": "nosniff",
        },
    )
    disposition = "inline" if inline else "attachment"
    safe_name = attachment.name.replace('"', "").replace("\r", "").replace("\n", "")
    response["Content-Disposition"] = f'{disposition}; filename="{safe_name}"'
    return response
