"""Billing › Paywall rules: all rules the user may change, each leading to its page's form."""

from __future__ import annotations

from typing import Any

from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from wagtail.admin.menu import MenuItem
from wagtail.admin.ui.tables import Column, TitleColumn
from wagtail.admin.viewsets.base import ViewSet

from cms_billing.core.admin import IssuerScopedPolicy, ReadOnlyViewSet
from cms_billing.core.ui.viewsets import BillingIndexView

from .access_notices import KeepAccessView
from .admin_views import ExplainView
from .bulk import ChangeRulesAction
from .models import AccessRule
from .rule_texts import preview_in_words
from .rule_views import AsVisitorView, PageRuleView, TriedRuleView, ViewAsView
from .texts import plan_names


def rule_url(rule: AccessRule) -> str:
    return reverse("billing-paywall:page_rule", args=[rule.page_id])


def open_to(rule: AccessRule) -> str:
    """The plans, or everyone."""
    return plan_names(rule.facts()) or rule.get_opens_to_display()


class RuleIndexView(BillingIndexView):
    def rows(self) -> Any:
        return super().rows().select_related("page").prefetch_related("plans")


class RuleViewSet(ReadOnlyViewSet):
    model = AccessRule
    name = "billing-paywall-rules"
    icon = "lock"
    menu_label = _("Paywall rules")
    menu_order = 700
    list_display = [
        TitleColumn("page", label=_("Page"), get_url=rule_url, sort_key="page__title"),
        Column("opens_to", label=_("Open to"), accessor=open_to),
        Column("preview", label=_("What others see"), accessor=preview_in_words),
    ]
    search_fields = ["page__title"]
    list_filter = ["opens_to"]
    inspect_view_enabled = False
    bulk_actions = [ChangeRulesAction]
    index_view_class = RuleIndexView
    permission_policy = IssuerScopedPolicy(AccessRule)


class PaywallViewSet(ViewSet):
    """The addresses beside the list: a page's rule, and the explanation."""

    name = "billing-paywall"
    icon = "lock"

    def get_urlpatterns(self) -> list[Any]:
        return [
            path("pages/<int:page_id>/", PageRuleView.as_view(), name="page_rule"),
            path("pages/<int:page_id>/try/", TriedRuleView.as_view(), name="try_rule"),
            path("pages/<int:page_id>/view-as/", ViewAsView.as_view(), name="view_as"),
            path("pages/<int:page_id>/view-as/<str:visitor>/", ViewAsView.as_view(), name="view_as"),
            path("pages/<int:page_id>/as/<str:visitor>/", AsVisitorView.as_view(), name="as_visitor"),
            path("keep-access/", KeepAccessView.as_view(), name="keep_access"),
            path("explain/", ExplainView.as_view(), name="explain"),
        ]


class ExplainMenuItem(MenuItem):
    def is_shown(self, request: Any) -> bool:
        return request.user.has_perm("cms_billing_paywall.view_accessrule")
