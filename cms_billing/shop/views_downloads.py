"""“My downloads” in the account, and the door of each file."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cms_billing.core import clock
from cms_billing.core.file_links import read_link
from cms_billing.core.pages import private_page
from cms_billing.core.private_files import for_one_person, private_storage, send

from .downloads import access_to, download_url, downloads_of
from .models import ProductDownload


@login_required
@require_safe
def account_downloads(request: HttpRequest) -> HttpResponse:
    rows = downloads_of(request.user, today=clock.today())
    context = {
        "downloads": [(row, download_url(row.download, request.user) if row.granted else "") for row in rows],
        "page_title": _("Downloads"),
        "active_tab": "billing_downloads",
    }
    return private_page(request, "cms_billing/shop/account_downloads.html", context)


@require_safe
def download(request: HttpRequest, token: str, filename: str) -> HttpResponseBase:
    """The link stands for the login of whom it was made for; whether they may have the file is decided now."""
    link = read_link(token)
    kind, _space, pk = link.file.partition(" ") if link else ("", "", "")
    if link is None or kind != "download":
        return _refused(
            _("This link was changed or has expired. Open “Downloads” in your account again."), 403
        )
    holder = get_user_model()._default_manager.filter(pk=link.holder, is_active=True).first()
    if holder is None or (request.user.is_authenticated and request.user != holder):
        return _refused(_("This link was made for somebody else."), 403)
    rows = access_to(ProductDownload.objects.filter(pk=pk), holder, today=clock.today())
    if not rows:
        return _refused(_("This file is not offered any more."), 404)
    [row] = rows
    if not row.granted:
        return _refused(row.sentence, 403)
    found = row.download
    return send(
        request, private_storage(), str(found.file.name), filename=found.filename, disposition="attachment"
    )


def _refused(text: str, status: int) -> HttpResponseBase:
    return for_one_person(HttpResponse(text, status=status, content_type="text/plain; charset=utf-8"))
