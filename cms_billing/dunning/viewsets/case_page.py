"""The page of one case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from cms_billing.core import clock
from cms_billing.core.admin import (
    Action,
    Fact,
    InspectView,
    Section,
    TimelineSection,
    date_text,
    money_text,
)

from ..models import Case, LockScope
from ..plans import decision_for
from ..reasons import sentence
from ..rules import Step
from ..selectors import contracts_of_documents
from ..services.moves import payments_of
from . import actions, case_sections
from .actions import DECIDE
from .by_hand import CHARGE_BACK
from .case_list import customer_url, days_overdue, document_url
from .case_money import charges_of_case

State = Case.State


class CaseInspectView(InspectView):
    extension = "billing_dunning_case"
    actions = [
        Action(
            gettext_lazy("Stop"),
            "billing-dunning:stop",
            "cross",
            DECIDE,
            when=lambda case: State.STOPPED in Case.TRANSITIONS[State(case.state)],
            priority=1,
        ),
        Action(
            gettext_lazy("Next step now"),
            "billing-dunning:next",
            "arrow-right",
            DECIDE,
            when=lambda case: case.state == State.OPEN,
            priority=-1,
        ),
        Action(
            gettext_lazy("Resume"),
            "billing-dunning:resume",
            "rotate",
            DECIDE,
            when=lambda case: case.state in (State.STOPPED, State.READY_FOR_COLLECTION),
        ),
        Action(
            gettext_lazy("Move to another level"),
            "billing-dunning:move",
            "order",
            DECIDE,
            when=lambda case: case.state in (State.OPEN, State.READY_FOR_COLLECTION),
        ),
        Action(gettext_lazy("Add a note"), "billing-dunning:note", "comment-add", DECIDE),
        Action(
            gettext_lazy("Enter a chargeback"),
            "billing-dunning:charge_back",
            "resubmit",
            CHARGE_BACK,
            when=lambda case: payments_of(case).exists(),
        ),
        Action(
            gettext_lazy("Waive fees and interest"),
            "billing-dunning:waive_fee",
            "minus",
            "cms_billing_dunning.waive_fee",
            when=lambda case: bool(actions.charges_left(case)),
        ),
        Action(
            gettext_lazy("Block or dispute"),
            "billing-dunning-hold:for_case",
            "lock",
            "cms_billing_dunning.decide_hold",
            when=lambda case: case.state != State.CLOSED,
        ),
    ]

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("issuer", "customer", "document__open_item")

    def facts(self) -> Iterable[Fact]:
        case = self.object
        owed = case.open_amount
        yield Fact(_("Customer"), case.customer, url=customer_url(case))
        yield Fact(pgettext("billing", "Document"), case.document, url=document_url(case.document))
        yield Fact(_("Open"), money_text(owed), tone="critical" if owed.minor > 0 else "good")
        yield Fact(_("Due on"), date_text(case.document.open_item.due_on))
        yield Fact(_("Days overdue"), days_overdue(case))
        yield Fact(_("State"), case.get_state_display(), tone="good" if case.state == State.CLOSED else "")
        yield Fact(_("Level"), str(case.level))
        yield Fact(_("Locks"), self.lock_text(), tone="critical" if case.locks_now else "good")
        yield Fact(_("Closed"), f"{date_text(case.closed_on)} {case.get_close_reason_display()}".strip())
        yield Fact(_("Last letter"), date_text(case.last_letter_on))
        yield Fact(_("In default since"), date_text(case.in_default_since))
        yield Fact(_("Issuer"), case.issuer)
        if case.state != State.CLOSED:
            decision = decision_for(case, today=clock.today(case.issuer))
            tone = "" if decision.step is Step.NONE else "warning"
            yield Fact(_("Next run"), sentence(decision), tone=tone)

    def lock_text(self) -> str:
        """The standing; what it means for each contract is the paywall's to say, in a section of its own."""
        if not self.object.locks_now:
            return _("nothing")
        if self.object.lock_scope == LockScope.CUSTOMER:
            return _("all contracts of the customer, as far as they are not paid")
        contracts = ", ".join(contracts_of_documents([self.object.document_id])[self.object.document_id])
        return contracts or _("nothing: the document pays for no contract")

    def own_sections(self) -> Iterable[Section]:
        case, user = self.object, self.request.user
        yield case_sections.claim(case)
        yield from charges_of_case(case)
        yield case_sections.access(case)
        yield case_sections.letters(case)
        if user.has_perm("cms_billing_payments.view_payment"):
            yield case_sections.payments(case)
        yield from case_sections.other_claims(case)
        yield case_sections.ledger(case)

    def sections(self) -> Iterable[Section]:
        """What happened comes last, below what other apps say."""
        yield from super().sections()
        yield TimelineSection(pgettext("what happened", "Timeline"), case_sections.events(self.object))
