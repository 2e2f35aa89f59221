"""Where support asks why a page is closed."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic.edit import FormView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from cms_billing.core import clock
from cms_billing.core.admin import money_text
from cms_billing.core.money import Money

from . import texts
from .access_changes import said_before, unsettled_change
from .explanation import explain
from .forms import ExplainForm


class ExplainView(WagtailAdminTemplateMixin, FormView):
    """Why is this page open or closed for this person? The same words the member and the log get."""

    form_class = ExplainForm
    template_name = "cms_billing/paywall/admin/explain.html"
    page_title = gettext_lazy("Explain access")
    header_icon = "help"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not request.user.has_perm("cms_billing_paywall.view_accessrule"):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        rules = {"url": reverse("billing-paywall-rules:index"), "label": _("Paywall rules")}
        return [rules, {"url": "", "label": self.get_page_title()}]

    def get_form_kwargs(self) -> dict[str, Any]:
        asked = self.request.GET if "page" in self.request.GET else None
        return {"data": asked, "asker": self.request.user}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form()
        answer = self.answer(form) if form.is_bound and form.is_valid() else None
        return self.render_to_response(self.get_context_data(form=form, answer=answer, media=form.media))

    def answer(self, form: ExplainForm) -> dict[str, Any]:
        user = form.cleaned_data["who"] or AnonymousUser()
        day: date = form.cleaned_data["day"] or clock.today()
        page = form.cleaned_data["page"].specific
        explanation = explain(page, user, day=day, asker=self.request.user)
        decision, changed = explanation.decision, unsettled_change(page)
        return {
            "page": page,
            "who": user if user.is_authenticated else _("A guest"),
            "day": day,
            "explanation": explanation,
            "decision": decision,
            "changed": changed,
            "before": said_before(changed) if changed else "",
            "rule": texts.covered_by(decision.rule, page_id=page.pk),
            "documents": [
                (paper, money_text(Money(paper.open_minor, paper.currency))) for paper in decision.documents
            ],
        }
