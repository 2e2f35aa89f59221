"""Failed work tried again, and letters taken to the post."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.generic import TemplateView, View
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from cms_billing.core import outbox
from cms_billing.core.models import OutsideWork
from cms_billing.faktura.services import mark_sent_by_post

from .. import selectors
from .permitted import Permitted
from .todo import failed_section


class FailedWorkView(Permitted, WagtailAdminTemplateMixin, TemplateView):
    template_name = "cms_billing/daily/admin/failed.html"
    page_title = gettext_lazy("Failed work")
    header_icon = "warning"
    permissions = ("cms_billing_daily.view_dailyrun",)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        todo = {"url": reverse("billing_todo"), "label": _("To do")}
        return [*self.breadcrumbs_items, todo, {"url": "", "label": self.page_title}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        section = failed_section(user, limit=500)
        section.url = None
        may_retry = bool(section.rows) and user.has_perm("cms_billing_daily.retry_work")
        return {**super().get_context_data(**kwargs), "section": section, "may_retry": may_retry}


class RetryView(Permitted, View):
    """POST ``label`` and ``pk``: one row; without them: all the user sees."""

    permissions = ("cms_billing_daily.retry_work",)
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        rows = [self._row(request)] if request.POST.get("pk") else self._all(request)
        for row in rows:
            outbox.try_again(row)
        n = len(rows)
        text = ngettext("%(n)s piece of work is tried again.", "%(n)s pieces of work are tried again.", n)
        messages.success(request, text % {"n": n})
        return redirect(
            "billing_todo" if request.POST.get("back") == "billing_todo" else "billing_failed_work"
        )

    def _row(self, request: HttpRequest) -> OutsideWork:
        try:
            model, pk = outbox.model_of(request.POST.get("label", "")), int(request.POST["pk"])
        except (LookupError, ValueError) as error:
            raise Http404 from error
        failed = selectors.visible_work(model, request.user).filter(work_state=OutsideWork.WorkState.FAILED)
        return get_object_or_404(failed, pk=pk)

    def _all(self, request: HttpRequest) -> list[OutsideWork]:
        return [work.row for work in selectors.failed_work(request.user)]


class PostedView(Permitted, View):
    permissions = ("cms_billing_faktura.send_document",)
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        document = get_object_or_404(selectors.documents_to_post(request.user), pk=pk)
        mark_sent_by_post(document=document, user=request.user)
        messages.success(request, _("%(document)s is in the post.") % {"document": document})
        return redirect("billing_todo")
