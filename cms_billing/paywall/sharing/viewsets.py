"""Billing › Gift links: what members give away, for those who publish the pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import django_filters
from django import forms
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from wagtail.admin.ui.tables import Column

from cms_billing.core import clock
from cms_billing.core.admin import (
    BillingBulkAction,
    BillingFilterSet,
    BillingIndexView,
    DateColumn,
    Fact,
    InspectView,
    IssuerScopedPolicy,
    ReadOnlyViewSet,
    StateColumn,
    date_text,
)

from ..models import GiftLink
from .services import revoke_gift

STATES = [
    ("works", gettext_lazy("can be opened")),
    ("used_up", gettext_lazy("opened as often as it may")),
    ("over", gettext_lazy("expired")),
    ("revoked", gettext_lazy("taken back")),
]


def state_of(link: GiftLink, *, today: date) -> str:
    if link.revoked_at:
        return "revoked"
    if not link.works_on(today):
        return "over"
    return "used_up" if link.is_used_up else "works"


def state_text(link: GiftLink) -> str:
    return str(dict(STATES)[state_of(link, today=clock.today())])


class GiftLinkFilterSet(BillingFilterSet):
    issuer_path = None
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("State"), choices=STATES, method="in_state", empty_label=gettext_lazy("all")
    )

    class Meta:
        model = GiftLink
        fields = ["state"]

    def in_state(self, rows: QuerySet[GiftLink], _name: str, state: str) -> QuerySet[GiftLink]:
        today = clock.today()
        if state == "revoked":
            return rows.filter(revoked_at__isnull=False)
        rows = rows.filter(revoked_at=None)
        if state == "over":
            return rows.filter(expires_on__lt=today)
        used_up = Q(openings__gte=F("max_openings"))
        return rows.filter(used_up if state == "used_up" else ~used_up, expires_on__gte=today)


class TakeBackAction(BillingBulkAction):
    action_type = "take_back"
    display_name = gettext_lazy("Take back")
    aria_label = gettext_lazy("Take back the selected gift links")
    explanation = gettext_lazy("They open nothing from now on, also for those who have opened them before.")
    permission = "cms_billing_paywall.revoke_giftlink"
    is_dangerous = True

    def detailed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("page", "giver")

    def obstacle(self, row: GiftLink) -> str:
        return _("It has been taken back already.") if row.revoked_at else ""

    def perform(self, row: GiftLink, form: forms.Form) -> None:
        revoke_gift(link=row, user=self.request.user, now=clock.now())

    def success_message(self, count: int) -> str:
        return ngettext("%(count)s gift link taken back.", "%(count)s gift links taken back.", count) % {
            "count": count
        }


class GiftLinkIndexView(BillingIndexView):
    def rows(self) -> Any:
        return super().rows().select_related("page", "giver")


class GiftLinkInspectView(InspectView):
    def facts(self) -> Iterable[Fact]:
        link: GiftLink = self.object
        yield Fact(_("State"), state_text(link), tone="good" if link.works_on(clock.today()) else "")
        yield Fact(_("Page"), link.page.get_admin_display_title())
        yield Fact(_("Given by"), str(link.giver))
        yield Fact(_("Given on"), date_text(link.created_at))
        yield Fact(_("Works until"), date_text(link.expires_on))
        yield Fact(_("Opened"), f"{link.openings} / {link.max_openings}")
        yield Fact(_("Last opened"), date_text(link.last_opened_at))
        yield Fact(_("Taken back"), date_text(link.revoked_at))
        yield Fact(_("Taken back by"), str(link.revoked_by) if link.revoked_by else "")


class GiftLinkViewSet(ReadOnlyViewSet):
    model = GiftLink
    name = "billing-gift-links"
    icon = "link"
    menu_label = gettext_lazy("Gift links")
    menu_order = 706
    list_display = [
        "page",
        Column("giver", label=gettext_lazy("Given by")),
        DateColumn("created_at", label=gettext_lazy("Given on"), sort_key="created_at"),
        DateColumn("expires_on", label=gettext_lazy("Works until"), sort_key="expires_on"),
        Column(
            "openings",
            label=gettext_lazy("Opened"),
            accessor=lambda link: f"{link.openings} / {link.max_openings}",
        ),
        StateColumn(
            "state",
            label=gettext_lazy("State"),
            accessor=state_text,
            good=lambda link: state_of(link, today=clock.today()) == "works",
        ),
    ]
    ordering = "-id"
    search_fields = ["page__title", "giver__email"]
    filterset_class = GiftLinkFilterSet
    bulk_actions = [TakeBackAction]
    index_view_class = GiftLinkIndexView
    inspect_view_class = GiftLinkInspectView
    permission_policy = IssuerScopedPolicy(GiftLink)
