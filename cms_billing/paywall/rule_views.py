"""Where editors set the rule of a page, and see what others get: by the rule, and as whom they choose to be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template import Context
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from django.views.generic.base import View
from django.views.generic.edit import FormView
from wagtail.admin import messages
from wagtail.admin.modal_workflow import render_modal_workflow
from wagtail.admin.utils import get_valid_next_url_from_request
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.models import Page
from wagtail.utils.decorators import xframe_options_sameorigin_override

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError

from . import texts
from .access_changes import is_closed
from .explanation import opens_with
from .models import AccessRule
from .previewing import label_of, preview_as, visitors_of
from .rule_form import INHERIT, RuleForm
from .rule_map import current_rules
from .rules import Rule, RulePlan
from .services import remove_rule, set_rule
from .side_panel import PaywallSidePanel
from .terms import OpensTo, refined
from .view_as import GUEST, ViewAs, visitor_called


class PageMixin:
    """A view about one page, for those who may do to it what ``may`` says."""

    page: Page
    kwargs: dict[str, Any]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.page = get_object_or_404(Page, pk=kwargs["page_id"])
        if self.page.is_root() or not self.may(self.page.permissions_for_user(request.user)):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]

    def may(self, permissions: Any) -> bool:
        return permissions.can_publish()

    def get_page_subtitle(self) -> str:
        return self.page.get_admin_display_title()

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        ancestors = self.page.get_ancestors(inclusive=True).filter(depth__gt=1)
        items = [
            {"url": reverse("wagtailadmin_explore", args=[page.pk]), "label": page.get_admin_display_title()}
            for page in ancestors
        ]
        return [*items, {"url": "", "label": self.get_page_title()}]  # type: ignore[attr-defined]

    def rule_above(self) -> Rule | None:
        parent = self.page.get_parent()
        return current_rules().rule_for(parent.path) if parent else None

    def form_arguments(self) -> dict[str, Any]:
        above = self.rule_above()
        return {
            "page": self.page,
            "rule": AccessRule.objects.filter(page_id=self.page.pk).first(),
            "above": above,
            "said_above": str(texts.covered_by(above, page_id=0)).rstrip("."),
        }


class PageRuleView(PageMixin, WagtailAdminTemplateMixin, FormView):
    """The paywall rule of one page, for those who may publish it."""

    form_class = RuleForm
    template_name = "cms_billing/paywall/admin/page_rule.html"
    page_title = gettext_lazy("Paywall")
    header_icon = "lock"

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), **self.form_arguments()}

    @property
    def in_dialog(self) -> bool:
        """Asked by the side panel of the page, which shows the form in a dialog."""
        return self.request.headers.get("x-requested-with") == "XMLHttpRequest"

    def form_valid(self, form: RuleForm) -> HttpResponse:
        try:
            self.write(form)
        except BillingError as error:
            form.add_error(None, str(error))
            return self.form_invalid(form)
        if self.in_dialog:
            return self.said_to_the_panel()
        messages.success(self.request, self.now())
        return redirect(self.back_url())

    def write(self, form: RuleForm) -> None:
        given, user = form.cleaned_data, self.request.user
        if given["opens_to"] == INHERIT:
            remove_rule(page=self.page, user=user)
        else:
            set_rule(page=self.page, plans=given["plans"], terms=form.terms(), user=user)

    def said_to_the_panel(self) -> HttpResponse:
        """What the panel shows now, and the version of the page that has the rule: who was editing the version before
        it overwrites nothing of anybody."""
        page = Page.objects.get(pk=self.page.pk)
        panel = PaywallSidePanel(page.specific, self.request)
        was_latest = str(self.page.latest_revision_id) == self.request.POST.get("loaded_revision_id")
        said = {
            "step": "saved",
            "says": self.now(),
            "panel": panel.render_html(Context({"request": self.request})),
            "closed": is_closed(panel.rule),
            "version": version_of(page) if was_latest else None,
        }
        return render_modal_workflow(self.request, None, None, None, json_data=said)

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        if not self.in_dialog:
            return super().render_to_response(context, **kwargs)
        return render_modal_workflow(
            self.request,
            "cms_billing/paywall/admin/rule_dialog.html",
            template_vars={**context, "in_dialog": True},
            json_data={"step": "rule"},
        )

    def now(self) -> str:
        rule = current_rules().rule_for(self.page.path)
        return str(texts.covered_by(rule, page_id=self.page.pk))

    def next_url(self) -> str:
        return get_valid_next_url_from_request(self.request)

    def back_url(self) -> str:
        return self.next_url() or reverse("wagtailadmin_pages:edit", args=[self.page.pk])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "page": self.page,
            "now": self.now(),
            "action_url": self.request.path,
            "next_url": self.next_url(),
            "back_url": self.back_url(),
        }


def version_of(page: Page) -> dict[str, Any] | None:
    """The latest version, in the words of the page editor's hidden fields."""
    latest = page.latest_revision
    return {"id": latest.pk, "created_at": latest.created_at.isoformat()} if latest else None


class TriedRuleView(PageMixin, View):
    """What a guest would get by the rule that is being written: the frame beside the form."""

    @method_decorator(xframe_options_sameorigin_override)
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = RuleForm(request.GET, **self.form_arguments())
        if not form.is_valid():
            said = [str(error) for errors in form.errors.values() for error in errors]
            return HttpResponse("\n".join(said), content_type="text/plain; charset=utf-8", status=200)
        visitor = replace(GUEST, tried=self.tried(form))
        return preview_as(self.page.get_latest_revision_as_object(), request, visitor)

    def tried(self, form: RuleForm) -> Rule:
        """The rule as decisions would have it."""
        opens_to, above = form.cleaned_data["opens_to"], form.above
        anybody = Rule(page_id=self.page.pk, page_title=self.page.title, opens_to=OpensTo.EVERYONE)
        if opens_to == INHERIT:
            return above or anybody
        plans = tuple(RulePlan(plan.pk, plan.name) for plan in form.cleaned_data["plans"])
        rule = replace(anybody, plans=plans, **vars(form.terms()))
        if opens_to == OpensTo.SECTION and above:
            return replace(refined(rule, above), plans=above.plans)
        return rule


class LookingMixin(PageMixin):
    """For those who may see the page's draft."""

    def may(self, permissions: Any) -> bool:
        return permissions.can_edit() or permissions.can_publish()

    @cached_property
    def visitors(self) -> list[ViewAs]:
        return visitors_of(self.page)

    def visitor(self) -> ViewAs:
        found = visitor_called(self.kwargs.get("visitor", GUEST.key), self.visitors)
        if found is None:
            raise Http404(_("Nobody of this kind reads the page."))
        return found


class ViewAsView(LookingMixin, WagtailAdminTemplateMixin, TemplateView):
    """The page as one visitor gets it, with all others to choose from."""

    template_name = "cms_billing/paywall/admin/view_as.html"
    page_title = gettext_lazy("View as")
    header_icon = "view"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        chosen = self.visitor()
        decision = chosen.decide(current_rules().rule_for(self.page.path), today=clock.today())
        return {
            **super().get_context_data(**kwargs),
            "page": self.page,
            "visitors": [
                (label_of(who), self.address("view_as", who), who == chosen) for who in self.visitors
            ],
            "label": label_of(chosen),
            "frame_url": self.address("as_visitor", chosen),
            "decision": decision,
            "sentence": texts.sentence(decision),
            "opens_with": " · ".join(map(str, opens_with(decision))),
        }

    def address(self, name: str, visitor: ViewAs) -> str:
        return reverse(f"billing-paywall:{name}", args=[self.page.pk, visitor.key])


class AsVisitorView(LookingMixin, View):
    """The latest draft of the page, as the visitor gets it: in the frame of ``ViewAsView``."""

    @method_decorator(xframe_options_sameorigin_override)
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return preview_as(self.page.get_latest_revision_as_object(), request, self.visitor())
