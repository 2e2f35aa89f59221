"""The page of one case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from wagtail.admin.ui.tables import Column

from cms_billing.core import clock
from cms_billing.core.admin import (
    Action,
    DateColumn,
    Fact,
    InspectView,
    LinkColumn,
    MoneyColumn,
    Section,
    TableSection,
    date_text,
    money_text,
)
from cms_billing.faktura.models import Document, DocumentKind, LedgerEntry

from ..models import Case, LockScope
from ..plans import decision_for
from ..reasons import sentence
from ..rules import Step
from ..selectors import contracts_of_documents
from . import actions
from .actions import DECIDE
from .case_list import customer_url, document_url
from .case_money import charges_of_case, parts_of_claim

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
        ),
        Action(
            gettext_lazy("Next step now"),
            "billing-dunning:next",
            "arrow-right",
            DECIDE,
            when=lambda case: case.state == State.OPEN,
        ),
        Action(
            gettext_lazy("Resume"),
            "billing-dunning:resume",
            "rotate",
            DECIDE,
            when=lambda case: case.state in (State.STOPPED, State.READY_FOR_COLLECTION),
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
        yield Fact(_("Due on"), date_text(case.document.open_item.due_on))
        yield Fact(_("Open"), money_text(owed), tone="critical" if owed.minor > 0 else "good")
        yield from parts_of_claim(case)
        yield Fact(_("State"), case.get_state_display(), tone="good" if case.state == State.CLOSED else "")
        yield Fact(_("Level"), str(case.level))
        yield Fact(_("Locks"), self.lock_text(), tone="critical" if case.locks_now else "good")
        yield Fact(_("Last letter"), date_text(case.last_letter_on))
        yield Fact(_("Closed"), f"{date_text(case.closed_on)} {case.get_close_reason_display()}".strip())
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
        yield self._timeline()
        yield self._letters()
        yield from charges_of_case(case=self.object)
        yield self._ledger()

    def _timeline(self) -> Section:
        return TableSection(
            _("Timeline"),
            [
                DateColumn("at", label=_("At")),
                Column("kind", label=_("Step"), accessor="get_kind_display"),
                Column("level", label=_("Level")),
                LinkColumn(
                    "letter",
                    label=_("Letter"),
                    accessor=lambda step: step.letter.number if step.letter else "",
                    get_url=lambda step: document_url(step.letter),
                ),
                Column("reason", label=_("Reason")),
                Column("user", label=_("By"), accessor=lambda step: step.user or ""),
            ],
            self.object.steps.select_related("letter", "user").order_by("pk"),
        )

    def _letters(self) -> Section:
        letters = Document.objects.filter(
            kind=DocumentKind.DUNNING_LETTER, dunning_steps__case=self.object
        ).distinct()
        return TableSection(
            _("Letters"),
            [
                LinkColumn("number", label=_("Letter"), get_url=document_url),
                DateColumn("issued_on", label=_("Date")),
                Column("level", label=_("Level"), accessor=lambda letter: letter.extra.get("level", "")),
                Column("claims", label=_("Claims"), accessor=_claims_text),
                Column("sent", label=_("Sent"), accessor=_sent_text),
            ],
            letters.prefetch_related("deliveries").order_by("pk"),
            empty=_("No letter yet."),
        )

    def _ledger(self) -> Section:
        return TableSection(
            _("Claim"),
            [
                DateColumn("booked_on", label=_("Date")),
                Column("kind", label=_("Entry"), accessor="get_kind_display"),
                Column("note", label=_("Note")),
                MoneyColumn("amount", label=_("Amount")),
            ],
            LedgerEntry.objects.filter(document=self.object.document_id),
        )


def _claims_text(letter: Document) -> str:
    return ", ".join(f"{claim['number']} ({claim['level']})" for claim in letter.extra.get("claims", []))


def _sent_text(letter: Document) -> str:
    return ", ".join(
        f"{delivery.to} {date_text(delivery.sent_at) or delivery.get_work_state_display()}"
        for delivery in letter.deliveries.all()
    )
