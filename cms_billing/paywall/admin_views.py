"""Where editors set rules and support asks why a page is closed."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic.edit import FormView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.models import Page

from cms_billing.core import clock
from cms_billing.core.admin import money_text
from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money

from . import selectors, texts
from .forms import INHERIT, ExplainForm, RuleForm
from .models import AccessRule
from .rule_map import current_rules
from .services import remove_rule, set_rule


class PageRuleView(WagtailAdminTemplateMixin, FormView):
    """The paywall rule of one page, for those who may publish it."""

    form_class = RuleForm
    template_name = "cms_billing/paywall/admin/page_rule.html"
    page_title = gettext_lazy("Paywall")
    header_icon = "lock"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.page = get_object_or_404(Page, pk=kwargs["page_id"])
        if not self.page.permissions_for_user(request.user).can_publish():
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def rule(self) -> AccessRule | None:
        return AccessRule.objects.filter(page_id=self.page.pk).first()

    def get_page_subtitle(self) -> str:
        return self.page.get_admin_display_title()

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        ancestors = self.page.get_ancestors(inclusive=True).filter(depth__gt=1)
        items = [
            {"url": reverse("wagtailadmin_explore", args=[page.pk]), "label": page.get_admin_display_title()}
            for page in ancestors
        ]
        return [*items, {"url": "", "label": self.get_page_title()}]

    def get_form_kwargs(self) -> dict[str, Any]:
        return {
            **super().get_form_kwargs(),
            "page": self.page,
            "rule": self.rule,
            "above": self.said_above(),
        }

    def said_above(self) -> str:
        parent = self.page.get_parent()
        rule = current_rules().rule_for(parent.path) if parent else None
        return str(texts.covered_by(rule, page_id=0)).rstrip(".")

    def form_valid(self, form: RuleForm) -> HttpResponse:
        given = form.cleaned_data
        try:
            if given["opens_to"] == INHERIT:
                remove_rule(page=self.page, user=self.request.user)
            else:
                set_rule(
                    page=self.page,
                    plans=given["plans"],
                    terms=form.terms(),
                    user=self.request.user,
                )
        except BillingError as error:
            form.add_error(None, str(error))
            return self.form_invalid(form)
        messages.success(self.request, self.now())
        return redirect(self.back_url())

    def now(self) -> str:
        rule = current_rules().rule_for(self.page.path)
        return str(texts.covered_by(rule, page_id=self.page.pk))

    def back_url(self) -> str:
        return reverse("wagtailadmin_pages:edit", args=[self.page.pk])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {**context, "page": self.page, "now": self.now(), "back_url": self.back_url()}


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
        decision = selectors.explain(page, user, today=day)
        return {
            "page": page,
            "who": user if user.is_authenticated else _("A guest"),
            "day": day,
            "decision": decision,
            "sentence": texts.sentence(decision),
            "opens_with": texts.OPENS_WITH[decision.opens_with] if not decision.granted else "",
            "rule": texts.covered_by(decision.rule, page_id=page.pk),
            "documents": [
                (paper, money_text(Money(paper.open_minor, paper.currency))) for paper in decision.documents
            ],
        }
