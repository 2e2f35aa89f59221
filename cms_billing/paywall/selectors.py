"""Decisions: for a page, for a listing, for a queryset, and explained."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import get_language
from wagtail.models import Page

from cms_billing.dunning.models import Case, LockScope
from cms_billing.dunning.selectors import Owed, owed
from cms_billing.faktura.models import Customer, Issuer
from cms_billing.memberships.models import Contract

from . import rules, texts
from .arrears import Arrears, arrears_of
from .holdings import COLUMNS, Holdings, holding_on, holdings_of, standing_on, with_standing
from .models import ArrearsPage
from .rule_map import RuleMap, current_rules
from .rules import Decision, Holding, OwedDocument, Passes, Rule, Visitor


def decide_page(
    page: Page,
    user: Any,
    *,
    today: date,
    visitor: Visitor | None = None,
    passes: Callable[[], Passes] | None = None,
) -> Decision:
    """The decision for one page. Raises RulesUnreadable where the rules cannot be read.

    ``visitor`` says what is known of the user; left out, it is found out: one query more, and only for who may not
    read the page anyway. ``passes`` is asked only where it could open the page.
    """
    return decide_by_rule(
        current_rules().rule_for(page.path),
        user,
        today=today,
        visitor=visitor,
        is_editor=lambda: may_edit(user, page),
        passes=passes,
    )


def decide_by_rule(
    rule: Rule | None,
    user: Any,
    *,
    today: date,
    visitor: Visitor | None = None,
    is_editor: Callable[[], bool] = lambda: False,
    passes: Callable[[], Passes] | None = None,
) -> Decision:
    """The decision of a rule, whatever it covers. ``is_editor`` is asked only about who would not get in otherwise."""
    if rule is None or visitor is Visitor.GUEST or not user.is_authenticated:
        helps = rule is not None and rule.opens_to is rules.OpensTo.PLANS and not rule.is_free_on(today)
        brought = passes() if passes is not None and helps else None
        return rules.decide(rule, visitor=Visitor.GUEST, today=today, passes=brought)
    held = Holdings()
    if not user.is_superuser:
        held = holdings_of(user, plan_ids=rule.plan_ids, levels=bool(rule.closes_at), today=today)
    decide = partial(rules.decide, rule, holdings=held.contracts, standings=held.standings, today=today)
    known = visitor or (Visitor.EDITOR if user.is_superuser else Visitor.USER)
    decision = decide(visitor=known)
    if decision.granted or visitor is not None:
        return decision
    if is_editor():
        return decide(visitor=Visitor.EDITOR)
    if passes is None or decision.reason not in rules.PASSES_HELP:
        return decision
    return decide(visitor=known, passes=passes())


def explain(page: Page, user: Any, *, today: date, passes: Callable[[], Passes] | None = None) -> Decision:
    """Why the page is open or closed for the user, with the papers that are owed: for support and the arrears page."""
    return with_documents(decide_page(page, user, today=today, passes=passes))


def with_documents(decision: Decision) -> Decision:
    """The decision with the papers that lock it or are overdue; two queries, none where nothing is owed."""
    if decision.holding is None or decision.opens_with is not rules.OpensWith.PAYMENT:
        return decision
    return replace(decision, documents=_owed_for(decision.holding))


def decisions_for(pages: Iterable[Page], user: Any, *, today: date) -> dict[int, Decision]:
    """Decisions by page id for a listing: one query however many pages, none for guests.

    Editors are judged by what they hold; only superusers are let through here.
    """
    decide = decider_for(user, today=today)
    return {page.pk: decide(page) for page in pages}


def decider_for(user: Any, *, today: date) -> Callable[[Page], Decision]:
    """Decides about one page after the other; what the user holds has been asked for by then."""
    known = current_rules()
    decide = decider_by_rule(known, user, today=today)
    return lambda page: decide(known.rule_for(page.path))


def decider_by_rule(known: RuleMap, user: Any, *, today: date) -> Callable[[Rule | None], Decision]:
    """The same for whatever a rule of the map covers."""
    visitor, held = _as_reader(known, user, today=today)
    by_rule: dict[int, Decision] = {}

    def decide(rule: Rule | None) -> Decision:
        # The map keeps its rules alive, so their identity is a key; comparing them field by field is slow.
        if id(rule) not in by_rule:
            by_rule[id(rule)] = rules.decide(
                rule, visitor=visitor, holdings=held.contracts, standings=held.standings, today=today
            )
        return by_rule[id(rule)]

    return decide


def visible_to(pages: QuerySet[Any], user: Any, *, today: date) -> QuerySet[Any]:
    """The pages of the queryset whose full text the user may read. Works before ``.search()`` too.

    One query for members and none for guests to find out what they hold, however many pages and rules there are.
    """
    known = current_rules()
    if not known.rules:
        return pages
    visitor, held = _as_reader(known, user, today=today)
    if visitor is Visitor.EDITOR:
        return pages
    decide = partial(
        rules.decide, visitor=visitor, holdings=held.contracts, standings=held.standings, today=today
    )
    in_question = known.in_question({holding.plan_id for holding in held.contracts})
    granted = known.open_rules.union(id(rule) for rule in in_question if decide(rule).granted)
    for closed in known.closed_but_for(granted):
        pages = pages.exclude(closed)
    return pages


def may_edit(user: Any, page: Page) -> bool:
    return bool(page.permissions_for_user(user).can_edit())


def _as_reader(known: RuleMap, user: Any, *, today: date) -> tuple[Visitor, Holdings]:
    if not user.is_authenticated:
        return Visitor.GUEST, Holdings()
    if user.is_superuser:
        return Visitor.EDITOR, Holdings()
    return Visitor.USER, holdings_of(user, plan_ids=known.plans, levels=known.asks_levels, today=today)


def _owed_for(holding: Holding) -> tuple[OwedDocument, ...]:
    """The unpaid papers that speak of the contract or lock all contracts of the customer, oldest first."""
    return tuple(
        owed_document(row)
        for row in owed([holding.customer_id])
        if row.issuer_id == holding.issuer_id
        and (holding.contract in row.contracts or row.lock_scope == LockScope.CUSTOMER)
    )


def owed_document(row: Owed) -> OwedDocument:
    return OwedDocument(
        id=row.document_id,
        number=row.number,
        issued_on=row.issued_on,
        due_on=row.due_on,
        open_minor=row.open_amount.minor,
        currency=row.open_amount.currency,
        level=row.level,
        lock_scope=row.lock_scope,
        last_letter_on=row.last_letter_on,
        charges_minor=row.charges.minor,
        handed_over=row.state == Case.State.HANDED_OVER,
    )


def arrears_of_customer(customer: Customer) -> Arrears | None:
    """What the customer owes and has been reminded of, in the language that is active; None for nothing."""
    papers = [owed_document(row) for row in owed([customer.pk]) if row.level]
    if not papers:
        return None
    locking = [paper for paper in papers if paper.locks]
    return arrears_of(
        papers,
        issuer=customer.issuer,
        language=get_language() or customer.language,
        reason=texts.locking_text(locking) if locking else "",
    )


def arrears_page_of(issuer: Issuer, *, language: str) -> ArrearsPage | None:
    """What editors wrote for members of this issuer: in their language, else in the issuer's. The newest, if there
    should be two."""
    pages = ArrearsPage.objects.live().filter(issuer=issuer, language__in=[language, issuer.language])
    by_language: dict[str, ArrearsPage] = {}
    for page in pages.order_by("first_published_at", "pk"):
        page.issuer = issuer
        by_language[page.language] = page
    return by_language.get(language) or by_language.get(issuer.language)


def access_of_contracts(contracts: QuerySet[Contract], *, today: date) -> list[Decision]:
    """How dunning and time leave each of these contracts, whatever page is asked for: the decision of a rule that its
    plan opens. One query."""
    return [
        rules.decide_holding(holding_on(today, facts), standing_on(today, facts), today=today)
        for facts in with_standing(contracts, today=today).order_by("pk").values(*COLUMNS)
    ]
