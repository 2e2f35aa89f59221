"""What every billing page in Wagtail's admin is built from.

* The "Billing" menu: register an item with the hook ``register_billing_menu_item``, or set nothing at all: viewsets
  below are in it.
* ``BillingModelViewSet``: Wagtail's ``ModelViewSet`` whose every view sees only rows ``visible_to`` the user, so that
  a neighbour issuer's row is a 404 on every address. ``ReadOnlyViewSet`` for frozen and derived rows.
* ``BillingFilterSet``: offers only visible issuers. Columns for money, dates and states.
* Bulk actions (``BillingBulkAction``), a ``Summary`` above a list, pages that cost the same at its end.
* ``InspectView`` with sections, ``ActionView`` (a form that calls one service).

Permissions are Django's model permissions (and the custom ones on the models); which rows they apply to is said by the
issuers' groups.
"""

from __future__ import annotations

from .ui.actions import ActionView
from .ui.bulk import AnswerAtOnce, BillingBulkAction, BulkProblem, BulkResult
from .ui.columns import DateColumn, LinkColumn, MoneyColumn, StateColumn, date_text, money_text
from .ui.filters import BillingFilterSet, VisibleChoiceFilter
from .ui.menu import BILLING_MENU_HOOK, billing_menu, billing_menu_item
from .ui.scope import IssuerScopedPolicy, ScopedView, rows_visible_to
from .ui.sections import Action, Fact, Facts, InspectView, Section, TableSection, TextSection
from .ui.timeline import Event, TimelineSection, logged_events
from .ui.viewsets import BillingIndexView, BillingModelViewSet, ReadOnlyViewSet, Summary, WhatNext

__all__ = [
    "BILLING_MENU_HOOK",
    "Action",
    "ActionView",
    "AnswerAtOnce",
    "BillingBulkAction",
    "BillingFilterSet",
    "BillingIndexView",
    "BillingModelViewSet",
    "BulkProblem",
    "BulkResult",
    "DateColumn",
    "Event",
    "Fact",
    "Facts",
    "InspectView",
    "IssuerScopedPolicy",
    "LinkColumn",
    "MoneyColumn",
    "ReadOnlyViewSet",
    "ScopedView",
    "Section",
    "StateColumn",
    "Summary",
    "TableSection",
    "TextSection",
    "TimelineSection",
    "VisibleChoiceFilter",
    "WhatNext",
    "billing_menu",
    "billing_menu_item",
    "date_text",
    "logged_events",
    "money_text",
    "rows_visible_to",
]
