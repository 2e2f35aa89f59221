"""What people do with many cases at once: each row by itself, with what became of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from wagtail.admin.widgets import AdminDateInput

from cms_billing.core import clock
from cms_billing.core.admin import BillingBulkAction, money_text
from cms_billing.core.money import Money

from ..models import Case
from ..services import resume_case, set_hold, stop_case, take_next_step, waive_charges
from .actions import DECIDE, ReasonForm
from .case_list import level_name
from .hold_forms import DECIDE as DECIDE_HOLD
from .ready import HandOverAction

State = Case.State


class _OfCases(BillingBulkAction):
    permission = DECIDE
    limit = 200

    def detailed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("issuer", "customer", "document__open_item").order_by("pk")

    def note(self, row: Any) -> str:
        return f"{level_name(row.level)} · {money_text(row.open_amount)}"

    def may_become(self, row: Any, state: Case.State) -> str:
        if state in Case.TRANSITIONS[State(row.state)]:
            return ""
        return _("It is “%(state)s”.") % {"state": row.get_state_display()}


class NextStep(_OfCases):
    display_name = gettext_lazy("Next step now")
    action_label = gettext_lazy("Take the steps")
    aria_label = gettext_lazy("Take the next step of the selected cases now")
    action_type = "dun_now"
    action_priority = 10
    is_dangerous = True
    explanation = gettext_lazy(
        "The next letters go out without waiting for their day; after the last level a case becomes ready for "
        "collection. A customer gets one letter a day: with several cases of one customer, the others follow another "
        "day unless they are due today anyway."
    )

    def obstacle(self, row: Any) -> str:
        return "" if row.state == State.OPEN else _("It is “%(state)s”.") % {"state": row.get_state_display()}

    def perform(self, row: Any, form: forms.Form) -> None:
        take_next_step(case_id=row.pk, today=clock.today(row.issuer), user=self.request.user)

    def success_message(self, count: int) -> str:
        return ngettext(
            "The next step of %(count)s case is taken.", "The next step of %(count)s cases is taken.", count
        ) % {"count": count}


class PauseForm(ReasonForm):
    until = forms.DateField(
        label=gettext_lazy("Until"), widget=AdminDateInput, help_text=gettext_lazy("With this day.")
    )

    field_order = ["until", "reason"]


class Pause(_OfCases):
    display_name = gettext_lazy("Pause")
    aria_label = gettext_lazy("Pause the selected cases until a day")
    action_type = "pause_dunning"
    action_priority = 20
    permission = DECIDE_HOLD
    form_class = PauseForm
    explanation = gettext_lazy(
        "A dunning block for each document: no letter goes out until the day is over. What is locked stays locked. "
        "Where the issuer wants a second person, the blocks stand once somebody else has approved them."
    )

    def obstacle(self, row: Any) -> str:
        return (
            _("It is “%(state)s”.") % {"state": row.get_state_display()} if row.state == State.CLOSED else ""
        )

    def perform(self, row: Any, form: forms.Form) -> None:
        set_hold(
            customer_id=row.customer_id,
            document_id=row.document_id,
            until=form.cleaned_data["until"],
            reason=form.cleaned_data["reason"],
            today=clock.today(row.issuer),
            user=self.request.user,
        )

    def success_message(self, count: int) -> str:
        return ngettext("%(count)s case is paused.", "%(count)s cases are paused.", count) % {"count": count}


class Stop(_OfCases):
    display_name = gettext_lazy("Stop")
    aria_label = gettext_lazy("Stop the selected cases")
    action_type = "stop_dunning"
    action_priority = 30
    form_class = ReasonForm
    explanation = gettext_lazy(
        "No more letters go out for these documents, and what they have locked opens at once. They stay owed."
    )

    def obstacle(self, row: Any) -> str:
        return self.may_become(row, State.STOPPED)

    def perform(self, row: Any, form: forms.Form) -> None:
        stop_case(case_id=row.pk, reason=form.cleaned_data["reason"], user=self.request.user)

    def success_message(self, count: int) -> str:
        return ngettext("%(count)s case is stopped.", "%(count)s cases are stopped.", count) % {
            "count": count
        }


class Resume(_OfCases):
    display_name = gettext_lazy("Resume")
    aria_label = gettext_lazy("Resume the selected cases")
    action_type = "resume_dunning"
    action_priority = 40
    explanation = gettext_lazy(
        "The cases go on at their level; what that level locks is locked again at once. The next letters wait their "
        "full time from today."
    )

    def obstacle(self, row: Any) -> str:
        if row.state in (State.STOPPED, State.READY_FOR_COLLECTION):
            return ""
        return _("It is “%(state)s”.") % {"state": row.get_state_display()}

    def perform(self, row: Any, form: forms.Form) -> None:
        resume_case(case_id=row.pk, today=clock.today(row.issuer), user=self.request.user)

    def success_message(self, count: int) -> str:
        return ngettext("%(count)s case goes on.", "%(count)s cases go on.", count) % {"count": count}


class WaiveCharges(_OfCases):
    display_name = gettext_lazy("Waive fees and interest")
    action_label = gettext_lazy("Waive")
    aria_label = gettext_lazy("Waive the fees and interest of the selected cases")
    action_type = "waive_fee"
    action_priority = 50
    permission = "cms_billing_dunning.waive_fee"
    form_class = ReasonForm
    explanation = gettext_lazy("The fees and interest that are still owed are taken off the documents.")

    def charges_left(self, row: Any) -> Money:
        item = row.document.open_item
        return Money(max(0, min(item.charges_minor, item.open_minor)), item.currency)

    def note(self, row: Any) -> str:
        return money_text(self.charges_left(row))

    def obstacle(self, row: Any) -> str:
        if self.charges_left(row).minor > 0:
            return ""
        return _("There are no fees and no interest left to waive.")

    def perform(self, row: Any, form: forms.Form) -> None:
        waive_charges(
            case_id=row.pk,
            today=clock.today(row.issuer),
            reason=form.cleaned_data["reason"],
            user=self.request.user,
        )

    def success_message(self, count: int) -> str:
        return ngettext(
            "The fees and interest of %(count)s case are waived.",
            "The fees and interest of %(count)s cases are waived.",
            count,
        ) % {"count": count}


class HandOver(HandOverAction):
    """The same as on the list of what is ready, from the list of all cases."""

    action_type = "hand_over_cases"
    action_priority = 60


BULK_ACTIONS = (NextStep, Pause, Stop, Resume, WaiveCharges, HandOver)
