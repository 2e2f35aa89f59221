"""The dunning run: a chunk of customers in one transaction and a constant number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from django.db import transaction

from cms_billing.core import clock
from cms_billing.core.bulk import insert_rows
from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import BillingError
from cms_billing.faktura.models import Customer, Document, DocumentKind, Issuer
from cms_billing.faktura.services import Batch, Problem, issue_drafts

from ..exceptions import NoProcedure
from ..letters import Letter, announced_after, letter_for, scope_after
from ..models import Case, CaseStep
from ..plans import (
    OPEN_ITEMS_LOCKED,
    Claim,
    CustomerPlan,
    active_procedures,
    customers_to_dun,
    overdue_customers,
    plans_for,
)
from ..rules import Step
from ..starts import EVENT_LABELS
from .cases import close_settled_cases
from .charges import post_charges
from .coverage import finish_covered_cases
from .holds import end_holds
from .reviewing import review_customers
from .versions import note_versions


@transaction.atomic
def dun_next_customers(
    *, issuer: Issuer, today: date, after_customer: int = 0, wait: bool = False, limit: int | None = None
) -> Batch:
    """Take the next customers one step further: their cases, their letter, its fee, all or nothing a chunk.

    Done are the letters. Customers another worker holds are skipped; with ``wait`` they are waited for. The rule
    decides on what it reads under the lock, so a second run of the day, a resumed one or another machine adds nothing.
    """
    if not after_customer:
        close_settled_cases(issuer=issuer, today=today)
        end_holds(issuer=issuer, today=today)
    procedures = active_procedures(issuer)
    if not after_customer:
        finish_covered_cases(issuer=issuer, today=today, procedures=procedures)
    if not procedures:
        return Batch([], _missing_procedure(issuer, today=today), None)
    customers = list(
        customers_to_dun(issuer, today=today, procedures=procedures)
        .filter(pk__gt=after_customer)
        .order_by("pk")
        .select_for_update(skip_locked=not wait, no_key=True, of=("self",))[
            : limit or billing_settings().chunk_size
        ]
    )
    if not customers:
        return Batch([], [], None)
    review_customers([customer.pk for customer in customers], today=today)
    plans = plans_for(issuer, customers, procedures, today=today, items=OPEN_ITEMS_LOCKED)
    documents, problems = carry_out(issuer, plans, today=today)
    return Batch(documents, problems, customers[-1].pk)


def carry_out(
    issuer: Issuer, plans: Sequence[CustomerPlan], *, today: date, user_id: int | None = None
) -> tuple[list[Document], list[Problem]]:
    """Write what was decided; the customers are locked. Returns the letters, and what stood in the way of others."""
    written, problems = _letters(issuer, plans, today=today)
    documents = issue_drafts(
        issuer=issuer,
        kind=DocumentKind.DUNNING_LETTER,
        drafts=[letter.draft for letter in written],
        customers={plan.customer.pk: plan.customer for plan in plans},
        today=today,
    )
    sent = {
        claim.item.document_id: document
        for letter, document in zip(written, documents, strict=True)
        for claim in letter.claims
    }
    stepping = [plan for plan in plans if any(claim.decision.step is not Step.NONE for claim in plan.claims)]
    versions = note_versions([plan.procedure for plan in stepping if plan.procedure is not None])
    writer = CaseWriter(today=today, user_id=user_id, versions=versions)
    for plan in plans:
        for claim in plan.claims:
            writer.take(issuer, plan, claim, sent.get(claim.item.document_id))
    writer.write()
    post_charges(issuer, written, documents, writer.cases, today=today, user_id=user_id)
    return documents, problems


def _letters(
    issuer: Issuer, plans: Sequence[CustomerPlan], *, today: date
) -> tuple[list[Letter], list[Problem]]:
    written: list[Letter] = []
    problems: list[Problem] = []
    for plan in plans:
        try:
            written += [
                letter_for(issuer, plan.customer, plan.procedure, claims, today=today)
                for claims in plan.letters()
                if plan.procedure is not None
            ]
        except BillingError as error:
            problems.append(Problem(Customer._meta.label, plan.customer.pk, str(plan.customer), str(error)))
    return written, problems


class CaseWriter:
    """Collects what changes, then writes it: one statement for all cases with the same change."""

    def __init__(
        self, *, today: date, user_id: int | None = None, versions: Mapping[int, int] | None = None
    ) -> None:
        self.today, self.user_id, self.now = today, user_id, clock.now()
        # By procedure: the version that is followed.
        self.versions = versions or {}
        self.version: int | None = None
        self.new: list[Case] = []
        # By document: the cases of the letters.
        self.cases: dict[int, Case] = {}
        self.reopened: dict[str, list[int]] = defaultdict(list)
        self.reminded: dict[tuple[int, str, str], list[int]] = defaultdict(list)
        self.ready: list[int] = []
        self.steps: list[CaseStep] = []

    def take(self, issuer: Issuer, plan: CustomerPlan, claim: Claim, letter: Document | None) -> None:
        self.version = self.versions.get(plan.procedure.pk or 0) if plan.procedure else None
        if claim.case is not None and claim.reopens:
            self.reopened[claim.case.lock_scope].append(claim.case.pk)
            self._step(claim.case, CaseStep.Kind.REOPENED)
        if claim.decision.step is Step.LETTER and letter is not None:
            self._remind(issuer, plan, claim, letter)
        elif claim.decision.step is Step.READY_FOR_COLLECTION and claim.case is not None:
            self.ready.append(claim.case.pk)
            self._step(claim.case, CaseStep.Kind.READY)

    def _remind(self, issuer: Issuer, plan: CustomerPlan, claim: Claim, letter: Document) -> None:
        assert plan.procedure is not None, "the rule gives no letter without a procedure"
        scope, announced = scope_after(plan.procedure, claim), announced_after(plan.procedure, claim)
        case = claim.case
        if case is None:
            case = Case(
                issuer_id=issuer.pk,
                customer_id=plan.customer.pk,
                document_id=claim.item.document_id,
                level=claim.level,
                first_level=claim.first_level,
                lock_scope=scope,
                announced_scope=announced,
                opened_on=self.today,
                waiting_since=self.today,
                last_letter_on=self.today,
                in_default_since=claim.charges.since if claim.charges else None,
            )
            self.new.append(case)
            reason = str(EVENT_LABELS[claim.start.event]) if claim.start else ""
            self._step(case, CaseStep.Kind.OPENED, level=claim.first_level - 1, reason=reason)
        else:
            self.reminded[claim.level, scope, announced].append(case.pk)
        self.cases[claim.item.document_id] = case
        self._step(case, CaseStep.Kind.LETTER, level=claim.level, letter=letter)

    def _step(
        self,
        case: Case,
        kind: str,
        *,
        level: int | None = None,
        letter: Document | None = None,
        reason: str = "",
    ) -> None:
        self.steps.append(
            CaseStep(
                case=case,
                at=self.now,
                kind=kind,
                level=case.level if level is None else level,
                letter=letter,
                reason=reason,
                version_id=self.version,
                user_id=self.user_id,
            )
        )

    def write(self) -> None:
        insert_rows(Case, self.new, with_keys=True)
        for step in self.steps:
            step.case_id = step.case.pk
        for scope, ids in self.reopened.items():
            Case.objects.filter(pk__in=ids).update(
                state=Case.State.OPEN,
                closed_on=None,
                close_reason="",
                waiting_since=self.today,
                lock_scope=scope,
            )
        for (level, scope, announced), ids in self.reminded.items():
            Case.objects.filter(pk__in=ids).update(
                level=level,
                lock_scope=scope,
                announced_scope=announced,
                waiting_since=self.today,
                last_letter_on=self.today,
            )
        Case.objects.filter(pk__in=self.ready).update(state=Case.State.READY_FOR_COLLECTION)
        insert_rows(CaseStep, self.steps)


def _missing_procedure(issuer: Issuer, *, today: date) -> list[Problem]:
    if not overdue_customers(issuer, today=today).exists():
        return []
    return [Problem(Issuer._meta.label, issuer.pk, str(issuer), str(NoProcedure(issuer=issuer)))]
