"""What the paywall reads: the member's holdings with their standing in one query, decisions for pages and listings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db.models import BooleanField, Case, Exists, OuterRef, Q, QuerySet, When
from wagtail.models import Page

from cms_billing.dunning.models import Case as DunningCase
from cms_billing.dunning.selectors import cases_of_contract, contract_is_locked, level_of_contract, owed
from cms_billing.faktura.models import DocumentLine
from cms_billing.memberships.models import Contract, ContractLine, Plan

from . import rules
from .rule_map import RuleMap, current_rules
from .rules import Decision, Holding, Level, OwedDocument, Standing, Visitor

# As many path conditions in one filter: SQLite stops at expressions a thousand deep.
PATHS_A_FILTER = 200


@dataclass(frozen=True)
class Holdings:
    """What a member holds of the plans that open pages, and how each contract (by id) stands."""

    contracts: tuple[Holding, ...] = ()
    standings: Mapping[int, Standing] | None = None


def holdings_of(user: Any, *, plan_ids: Iterable[int], today: date) -> Holdings:
    """The user's contracts on these plans with their standing: one query, none for guests."""
    wanted = list(plan_ids)
    if not user.is_authenticated or not wanted:
        return Holdings()
    contracts = Contract.objects.of_user(user).filter(plan__in=wanted).select_related("plan")
    rows = list(_with_standing(contracts, today=today).order_by("pk"))
    return Holdings(
        tuple(_holding(row) for row in rows), {row.pk: Standing(level=_level(row)) for row in rows}
    )


def decide_page(page: Page, user: Any, *, today: date, visitor: Visitor | None = None) -> Decision:
    """The decision for one page. Raises RulesUnreadable where the rules cannot be read.

    ``visitor`` says what is known of the user; left out, it is found out: one query more, and only for who may not
    read the page anyway.
    """
    rule = current_rules().rule_for(page.path)
    if rule is None or visitor is Visitor.GUEST or not user.is_authenticated:
        return rules.decide(rule, visitor=Visitor.GUEST, today=today)
    held = Holdings() if user.is_superuser else holdings_of(user, plan_ids=rule.plan_ids, today=today)
    known = visitor or (Visitor.EDITOR if user.is_superuser else Visitor.USER)
    decision = rules.decide(
        rule, visitor=known, holdings=held.contracts, standings=held.standings, today=today
    )
    if not decision.granted and visitor is None and may_edit(user, page):
        return rules.decide(
            rule, visitor=Visitor.EDITOR, holdings=held.contracts, standings=held.standings, today=today
        )
    return decision


def explain(page: Page, user: Any, *, today: date) -> Decision:
    """Why the page is open or closed for the user, with the papers that are owed: for support and the arrears page."""
    return with_documents(decide_page(page, user, today=today))


def with_documents(decision: Decision) -> Decision:
    """The decision with the papers that lock it or are overdue; two queries, none where nothing is owed."""
    if decision.holding is None or decision.opens_with is not rules.OpensWith.PAYMENT:
        return decision
    return replace(decision, documents=_owed_for(decision.holding))


def decisions_for(pages: Iterable[Page], user: Any, *, today: date) -> dict[int, Decision]:
    """Decisions by page id for a listing: one query however many pages, none for guests.

    Editors are judged by what they hold; only superusers are let through here.
    """
    known = current_rules()
    visitor, held = _as_reader(known, user, today=today)
    by_rule: dict[int | None, Decision] = {}
    found = {}
    for page in pages:
        rule = known.rule_for(page.path)
        key = rule.page_id if rule else None
        if key not in by_rule:
            by_rule[key] = rules.decide(
                rule, visitor=visitor, holdings=held.contracts, standings=held.standings, today=today
            )
        found[page.pk] = by_rule[key]
    return found


def visible_to(pages: QuerySet[Any], user: Any, *, today: date) -> QuerySet[Any]:
    """The pages of the queryset whose full text the user may read. Works before ``.search()`` too.

    One query for members and none for guests to find out what they hold, however many pages and rules there are.
    """
    known = current_rules()
    if not known.rules:
        return pages
    visitor, held = _as_reader(known, user, today=today)
    granted = {
        path: rules.decide(
            rule, visitor=visitor, holdings=held.contracts, standings=held.standings, today=today
        ).granted
        for path, rule in known.rules.items()
    }
    closed = _closed_parts(granted)
    for start in range(0, len(closed), PATHS_A_FILTER):
        condition = Q()
        for part in closed[start : start + PATHS_A_FILTER]:
            condition |= part
        pages = pages.exclude(condition)
    return pages


def may_edit(user: Any, page: Page) -> bool:
    return bool(page.permissions_for_user(user).can_edit())


def _as_reader(known: RuleMap, user: Any, *, today: date) -> tuple[Visitor, Holdings]:
    if not user.is_authenticated:
        return Visitor.GUEST, Holdings()
    if user.is_superuser:
        return Visitor.EDITOR, Holdings()
    return Visitor.USER, holdings_of(user, plan_ids=known.plans, today=today)


def _closed_parts(granted: Mapping[str, bool]) -> list[Q]:
    """One condition a closed section: its paths without those of open sections inside, without what is closed inside
    those, and so on; a rule that says the same as the one around it adds nothing."""
    border: dict[str, bool] = {}
    children: dict[str | None, list[str]] = {}
    for path in sorted(granted):
        around = next(
            (path[:n] for n in range(len(path) - Page.steplen, 0, -Page.steplen) if path[:n] in border), None
        )
        if granted[path] != (border[around] if around else True):
            border[path] = granted[path]
            children.setdefault(around, []).append(path)

    def part(path: str) -> Q:
        condition = Q(path__startswith=path)
        for inner in children.get(path, []):
            condition &= ~part(inner)
        return condition

    return [part(path) for path in children.get(None, [])]


def _with_standing(contracts: QuerySet[Contract], *, today: date) -> QuerySet[Any]:
    """With what dunning says of each, and whether a course that is over was paid for good."""
    unbilled = Exists(ContractLine.objects.filter(contract=OuterRef("pk"), next_due__isnull=False))
    owes = Exists(
        DocumentLine.objects.filter(
            contract_reference=OuterRef("number"),
            document__customer=OuterRef("customer_id"),
            document__open_item__open_minor__gt=0,
        )
    )
    over = Q(state=Contract.State.ENDED) | Q(end__lt=today)
    return contracts.annotate(
        dunning_locks=contract_is_locked(),
        dunning_level=level_of_contract(),
        in_collection=Exists(cases_of_contract().filter(state=DunningCase.State.READY_FOR_COLLECTION)),
        for_good=Case(
            When(
                over & Q(plan__kind=Plan.Kind.COURSE),
                then=Case(When(unbilled | owes, then=False), default=True),
            ),
            default=False,
            output_field=BooleanField(),
        ),
    )


def _holding(row: Any) -> Holding:
    return Holding(
        contract_id=row.pk,
        contract=row.number,
        plan_id=row.plan_id,
        plan=row.plan.name,
        begun=row.state != Contract.State.PENDING,
        start=row.start,
        customer_id=row.customer_id,
        issuer_id=row.issuer_id,
        end=row.end,
        closed=row.state == Contract.State.ENDED,
        for_good=row.for_good,
    )


def _level(row: Any) -> Level:
    if row.dunning_locks:
        return Level.HANDED_OVER if row.in_collection else Level.LOCKED
    # Before the first letter nobody has been told, so nobody is in arrears here.
    return Level.IN_ARREARS if row.dunning_level else Level.GOOD


def _owed_for(holding: Holding) -> tuple[OwedDocument, ...]:
    """The unpaid papers that speak of the contract, oldest first."""
    return tuple(
        OwedDocument(
            id=row.document_id,
            number=row.number,
            issued_on=row.issued_on,
            due_on=row.due_on,
            open_minor=row.open_amount.minor,
            currency=row.open_amount.currency,
            level=row.level,
            locks=row.locked,
            last_letter_on=row.last_letter_on,
        )
        for row in owed([holding.customer_id])
        if row.issuer_id == holding.issuer_id and holding.contract in row.contracts
    )
