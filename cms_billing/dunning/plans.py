"""What the rule decides for customers today: read in a constant number of statements, shared by run and preview."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.lookups import Exact

from cms_billing.faktura.models import Customer, Document, DocumentKind, Issuer, OpenItem

from . import hindrances, rules
from .charging import NO_CHARGES, Asked, ClaimCharges, Terms, charges_of, terms_of
from .hindrances import ITEM_COLUMNS, Item
from .manners import Calm
from .models import Case, ChargesLeft, Hold, Procedure
from .rules import CaseFacts, Decision, Hindrance, LevelFacts, ProcedureFacts, Reason, Step
from .starts import Start, something_happened, starts_of
from .versions import Content, content_of, digest_of

OPEN_ITEMS_LOCKED = OpenItem.objects.select_for_update(no_key=True, of=("self",))
# Claims that a letter lists beside those it is written for: they are owed as well.
ASKED = (Case.State.OPEN, Case.State.READY_FOR_COLLECTION)
LISTED = (Reason.WAITING_FOR_LEVEL, Reason.WAITING_AFTER_LAST_LEVEL, Reason.IN_COLLECTION)


@dataclass(frozen=True)
class ActiveProcedure:
    """A procedure with everything a run needs; ``texts`` by level and language."""

    facts: ProcedureFacts
    texts: Mapping[tuple[int, str], tuple[str, str]] = field(default_factory=dict)
    terms: Terms = NO_CHARGES
    pk: int | None = None
    content: Content = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        return digest_of(self.content)


@dataclass(frozen=True)
class Claim:
    """An overdue document with its case and what happens to it. ``reopens``: its case was closed by a payment that
    came back unnoticed; the run opens it again before anything else. Without a case it begins at ``first_level``."""

    item: Item
    case: Case | None
    reopens: bool
    decision: Decision
    # Of claims in a letter.
    charges: ClaimCharges | None = None
    # Of a claim without a case that a failed payment or one that came back has sent into dunning.
    start: Start | None = None
    first_level: int = 1

    @property
    def level(self) -> int:
        """After the decision."""
        if self.decision.step is Step.LETTER:
            return self.decision.level
        return self.case.level if self.case else self.first_level - 1


@dataclass(frozen=True)
class CustomerPlan:
    customer: Customer
    procedure: ActiveProcedure | None
    claims: tuple[Claim, ...]

    def stepping(self) -> list[Claim]:
        return [claim for claim in self.claims if claim.decision.step is Step.LETTER]

    def letters(self) -> list[list[Claim]]:
        """The claims of each letter that goes out, those it is written for first: one letter a currency."""
        by_currency: dict[str, list[Claim]] = defaultdict(list)
        for claim in self.stepping():
            by_currency[claim.item.currency].append(claim)
        for claim in self.claims:
            if claim.decision.reason in LISTED and claim.item.currency in by_currency:
                by_currency[claim.item.currency].append(claim)
        return list(by_currency.values())


def active_procedures(issuer: Issuer) -> dict[str, ActiveProcedure]:
    """By kind of customer; the procedure for all stands in where a kind has none of its own."""
    rows = Procedure.objects.filter(issuer=issuer, is_active=True).select_related("issuer")
    rows = rows.prefetch_related("levels__texts")
    found = {row.customer_kind: active(row) for row in rows}
    for_all = found.get(Procedure.CustomerKind.ALL)
    by_kind = {kind: found.get(kind, for_all) for kind in Customer.Kind.values}
    return {kind: procedure for kind, procedure in by_kind.items() if procedure is not None}


def active(procedure: Procedure) -> ActiveProcedure:
    """A procedure, saved or being edited, as the rule and the letters know it."""
    levels = sorted(procedure.levels.all(), key=lambda level: level.number)
    return ActiveProcedure(
        ProcedureFacts(
            tuple(
                LevelFacts(
                    level.number,
                    level.days_after,
                    level.days_to_pay,
                    level.lock_scope,
                    level.fee_minor,
                    channel=level.channel,
                    attach_invoices=level.attach_invoices,
                    claims_interest=level.claims_interest,
                    claims_flat=level.claims_flat,
                )
                for level in levels
            ),
            minimum_minor=procedure.minimum_minor,
            failure_level=procedure.failure_level,
            chargeback_level=procedure.chargeback_level,
            wait_for_statement=procedure.wait_for_statement,
            avoid_weekends=procedure.avoid_weekends,
            holidays=procedure.holidays,
        ),
        {
            (level.number, text.language): (text.subject, text.body)
            for level in levels
            for text in level.texts.all()
        },
        terms_of(procedure),
        pk=procedure.pk,
        content=content_of(procedure),
    )


def overdue_customers(issuer: Issuer, *, today: date) -> QuerySet[Customer]:
    items = OpenItem.objects.overdue(today=today).filter(customer=OuterRef("pk"))
    return Customer.objects.filter(Exists(items), issuer=issuer)


def customers_to_dun(
    issuer: Issuer, *, today: date, procedures: Mapping[str, ActiveProcedure] | None = None
) -> QuerySet[Customer]:
    """Customers for whom the calendar alone may ask for a step; the rule has the last word."""
    procedures = active_procedures(issuer) if procedures is None else procedures
    due = Q(pk__in=[])
    for kind, procedure in procedures.items():
        due |= Q(Exact(OuterRef("kind"), kind)) & _may_ask(procedure, today=today)
    # One EXISTS, the kinds inside it: databases look into an OR of several for all customers, chunk by chunk.
    items = OpenItem.objects.overdue(today=today).filter(due, customer=OuterRef("pk"))
    whole = Hold.objects.holding_on(today).filter(document=None, contract_reference="")
    return Customer.objects.filter(
        Exists(items), ~Exists(whole.filter(customer=OuterRef("pk"))), issuer=issuer
    )


def _may_ask(active: ActiveProcedure, *, today: date) -> Q:
    """Of overdue items."""
    procedure = active.facts
    live = Case.objects.live().filter(document=OuterRef("document"))
    waited = Q(pk__in=[])
    for level in range(procedure.levels[-1].number + 1 if procedure.levels else 0):
        following = procedure.after(level)
        days = following.days_after if following else procedure.levels[-1].days_to_pay + 1
        waited |= Q(level=level, waiting_since__lte=today - timedelta(days=days))
    waited |= Q(level=F("first_level") - 1, last_letter_on=None, waiting_since__lt=today)
    first = procedure.levels[0].days_after if procedure.levels else 0
    by_date = Q(due_on__lte=today - timedelta(days=first))
    fresh = (by_date | something_happened(procedure)) & ~Exists(live)
    asked = fresh | Q(Exists(live.filter(waited, state=Case.State.OPEN)))
    if active.terms.charges_left != ChargesLeft.CLAIM:
        asked &= Q(open_minor__gt=F("charges_minor"))
    return asked


def plans_for(
    issuer: Issuer,
    customers: Sequence[Customer],
    procedures: Mapping[str, ActiveProcedure],
    *,
    today: date,
    items: QuerySet[OpenItem] | None = None,
    by_hand: int | None = None,
) -> list[CustomerPlan]:
    """The plan of each customer with an overdue claim, in the order given; reads only, and asks each source of
    ``hindrances`` once.

    ``items``: the run passes ``OPEN_ITEMS_LOCKED``, so that no charge is made between the decision and the letter.
    ``by_hand``: the document whose next step a person asked for, without its waiting days.
    """
    ids = [customer.pk for customer in customers]
    overdue = _items(OpenItem.objects.all() if items is None else items, ids, today=today)
    by_customer: dict[int, list[Item]] = defaultdict(list)
    for item in overdue:
        by_customer[item.customer_id].append(item)
    known = _known(issuer, customers, overdue, procedures, today=today)
    plans = []
    for customer in customers:
        owed = by_customer.get(customer.pk)
        if owed:
            procedure = procedures.get(customer.kind)
            claims = [known.claim(item, customer, procedure, owed, by_hand=by_hand) for item in owed]
            plans.append(CustomerPlan(customer, procedure, tuple(claims)))
    return with_charges(plans, today=today)


@dataclass(frozen=True)
class _Known:
    """What is known of the claims of a chunk, by document; ``written_to`` are customers."""

    cases: Mapping[int, Case]
    reopened: Collection[int]
    starts: Mapping[int, Start]
    hindered: Mapping[int, Hindrance]
    calm: Calm
    written_to: Collection[int]
    today: date

    def claim(
        self,
        item: Item,
        customer: Customer,
        procedure: ActiveProcedure | None,
        owed: Sequence[Item],
        *,
        by_hand: int | None,
    ) -> Claim:
        case, start = self.cases.get(item.document_id), self.starts.get(item.document_id)
        first = start.level_in(procedure.facts) if start and procedure else None
        facts = replace(
            facts_of(item, case) if case or not start or not first else facts_of_start(item, start, first),
            hindrance=self.hindered.get(item.document_id) or self.calm.whole_day(customer.kind),
            calm=self.calm.against_letters(customer.kind, owed, item.currency, self._asked_for),
            letter_today=customer.pk in self.written_to,
        )
        rule = rules.decide_by_hand if item.document_id == by_hand else rules.decide
        decision = rule(facts, procedure.facts if procedure else None, self.today)
        reopens = item.document_id in self.reopened
        if case is not None or start is None or first is None:
            return Claim(item, case, reopens, decision)
        return Claim(item, case, reopens, decision, start=start, first_level=first)

    def _asked_for(self, item: Item) -> bool:
        """Whether a letter may ask for it."""
        case = self.cases.get(item.document_id)
        return item.document_id not in self.hindered and (case is None or case.state in ASKED)


def _known(
    issuer: Issuer,
    customers: Sequence[Customer],
    overdue: Sequence[Item],
    procedures: Mapping[str, ActiveProcedure],
    *,
    today: date,
) -> _Known:
    documents = [item.document_id for item in overdue]
    cases, reopened = _cases(overdue, procedures, customers, today=today)
    letters = Document.objects.filter(
        customer__in=customers, kind=DocumentKind.DUNNING_LETTER, issued_on=today
    )
    return _Known(
        cases,
        reopened,
        starts_of([pk for pk in documents if pk not in cases]),
        hindrances.standing_against(overdue, today),
        Calm(issuer, {kind: active.facts for kind, active in procedures.items()}, today=today),
        set(letters.values_list("customer", flat=True)),
        today,
    )


def with_charges(plans: Sequence[CustomerPlan], *, today: date) -> list[CustomerPlan]:
    """With what the letters of these plans add to their claims."""
    asked = [
        Asked(
            claim.item,
            claim.case,
            plan.procedure.facts.level(claim.level) if claim.decision.step is Step.LETTER else None,
            plan.procedure.terms,
            plan.customer.kind == Customer.Kind.CONSUMER,
        )
        for plan in plans
        if plan.procedure is not None
        for letter in plan.letters()
        for claim in letter
    ]
    charges = charges_of(asked, today=today)
    return [
        replace(
            plan,
            claims=tuple(
                replace(claim, charges=charges[claim.item.document_id])
                if claim.item.document_id in charges
                else claim
                for claim in plan.claims
            ),
        )
        if any(claim.item.document_id in charges for claim in plan.claims)
        else plan
        for plan in plans
    ]


def facts_of(item: Item, case: Case | None) -> CaseFacts:
    return CaseFacts(
        due_on=item.due_on,
        open_minor=item.open_minor,
        level=case.level if case else 0,
        state=case.state if case else "",
        waiting_since=case.waiting_since if case else None,
        started=case is not None and _started_by_a_payment(case),
    )


def _started_by_a_payment(case: Case) -> bool:
    """Waiting since the day it was opened, without its first letter: what was opened by hand counts from its due date,
    and what was resumed or moved from that day on."""
    unwritten = case.last_letter_on is None and case.level == case.first_level - 1
    return unwritten and case.waiting_since == case.opened_on


def facts_of_start(item: Item, start: Start, first_level: int) -> CaseFacts:
    """As if the case had been opened on the day it happened."""
    return CaseFacts(
        due_on=item.due_on,
        open_minor=item.open_minor,
        level=first_level - 1,
        state=Case.State.OPEN,
        waiting_since=start.day,
        started=True,
    )


def _items(source: QuerySet[OpenItem], customers: Collection[int], *, today: date) -> list[Item]:
    rows = source.filter(customer__in=customers, open_minor__gt=0, due_on__lt=today).order_by("pk")
    items = [Item(*values) for values in rows.values_list(*ITEM_COLUMNS)]
    return sorted(items, key=lambda item: (item.due_on, item.document_id))


def _cases(
    items: Sequence[Item],
    procedures: Mapping[str, ActiveProcedure],
    customers: Sequence[Customer],
    *,
    today: date,
) -> tuple[dict[int, Case], set[int]]:
    """The case of each document, and the documents whose case has to be opened again.

    A claim that is owed although its case was closed: the payment came back, and the receiver that opens the case
    again died. It goes on at its level, and waits from today.
    """
    found: dict[int, Case] = {}
    # Their claim is paid and their case was ended: charges that stay on the account do not open it again.
    covered = {item.document_id for item in items if item.is_covered}
    for case in Case.objects.filter(document__in=[item.document_id for item in items]).order_by("pk"):
        known = found.get(case.document_id)
        if known is None or known.state == Case.State.CLOSED:
            found[case.document_id] = case
    kinds = {customer.pk: customer.kind for customer in customers}
    reopened = set()
    for document_id, case in list(found.items()):
        if case.state != Case.State.CLOSED:
            continue
        if case.close_reason == Case.CloseReason.CANCELLED or document_id in covered:
            del found[document_id]
            continue
        reopened.add(document_id)
        reopen(case, procedures.get(kinds[case.customer_id]), day=today)
    return found, reopened


def reopen(case: Case, procedure: ActiveProcedure | None, *, day: date) -> None:
    """Open a closed case again, unsaved: at its level, locked as that level locks, waiting from ``day``."""
    level = procedure.facts.level(case.level) if procedure else None
    case.state, case.closed_on, case.close_reason = Case.State.OPEN, None, ""
    case.waiting_since = day
    case.lock_scope = rules.scope_locked(case.announced_scope, level)


def decision_for(case: Case, *, today: date) -> Decision:
    """What the next run decides about one case, for its page."""
    procedures = active_procedures(case.issuer)
    for plan in plans_for(case.issuer, [case.customer], procedures, today=today):
        for claim in plan.claims:
            if claim.item.document_id == case.document_id:
                return claim.decision
    item = case.document.open_item
    reason = Reason.NOT_DUE if item.open_minor > 0 else Reason.NOTHING_OWED
    return Decision(Step.NONE, reason, case.level, item.due_on)
