"""All access rules by page path, kept in the process, so that a request reads none of them from the database.

A stamp in Django's cache says which version is the latest: whoever changes a rule, a plan or the page tree changes it,
and every process that shares the cache loads again at its next request. Processes that do not share one see a change
after ``LIFETIME`` seconds (see check ``cms_billing.W043``).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.db.models import Prefetch, Q
from django.utils.translation import gettext as _
from wagtail.models import Locale, Page, get_page_models

from cms_billing.core.exceptions import BillingError
from cms_billing.memberships.models import Plan, PlanPrice
from cms_billing.memberships.offers import offer_urls

from .files.collections import collection_rules, rules_by_collection
from .offers import DatedPrice, PlanFacts
from .rule_rows import RuleRow, plans_of_rules, rules_of_pages
from .rules import OpensTo, Rule
from .terms import refined
from .tree_parts import closed_parts

VERSION_KEY = "cms_billing.paywall.rules"
# Seconds after which a process loads again even though nobody told it to.
LIFETIME = 15
# So many different sets of open rules are remembered with their conditions: members of one plan share theirs.
REMEMBERED = 64
# As many path conditions in one filter: SQLite stops at expressions a thousand deep.
PATHS_A_FILTER = 200


class RulesUnreadable(BillingError):
    """The access rules cannot be read: nothing that might be sold is shown."""


ALWAYS_OPEN = Rule(page_id=0, page_title="", opens_to=OpensTo.EVERYONE, always=True)


@dataclass(frozen=True)
class RuleMap:
    """``rules`` by path of the page in the tree, for it and what is below it. ``singles``: rules of single pages
    and not of what is below them: kinds that are always open. ``plans`` by id."""

    rules: Mapping[str, Rule] = field(default_factory=dict)
    singles: Mapping[str, Rule] = field(default_factory=dict)
    plans: Mapping[int, PlanFacts] = field(default_factory=dict)
    # By id of the collection of documents and images, whichever collection above it has the rule.
    collections: Mapping[int, Rule] = field(default_factory=dict)
    version: str = ""
    loaded_at: float = 0.0

    def rule_for(self, path: str) -> Rule | None:
        """The rule of the page at ``path`` or of its nearest ancestor that has one."""
        if not self.rules:
            return None
        if path in self.singles:
            return self.singles[path]
        return nearest(self.rules, path)

    def chain_for(self, path: str) -> list[Rule]:
        """All rules at ``path`` and above it, nearest first: the first one decides."""
        return [self.rules[place] for place in _upwards(path) if place in self.rules]

    @cached_property
    def asks_levels(self) -> bool:
        """Does any rule close at a level of arrears of its own?"""
        return any(rule.closes_at for rule in (*self.rules.values(), *self.collections.values()))

    @cached_property
    def open_rules(self) -> frozenset[int]:
        """Rules that let everyone in, by ``id()``: the map keeps them alive, and comparing them by field is slow."""
        return frozenset(id(rule) for rule in self.rules.values() if rule.opens_to is OpensTo.EVERYONE)

    def in_question(self, plan_ids: Iterable[int]) -> list[Rule]:
        """The rules that may open to who holds these plans: most rules of a site are about others."""
        named = [rule for plan in plan_ids for rule in self._closed_by_plan.get(plan, {}).values()]
        return [*self._dated, *named]

    @cached_property
    def _dated(self) -> list[Rule]:
        closed = {id(rule): rule for rule in self.rules.values() if rule.opens_to is OpensTo.PLANS}
        return [rule for rule in closed.values() if rule.has_dates]

    @cached_property
    def _closed_by_plan(self) -> Mapping[int, Mapping[int, Rule]]:
        """Those without dates. Many places share a rule: aliases, translations."""
        found: dict[int, dict[int, Rule]] = {}
        for rule in self.rules.values():
            if rule.opens_to is OpensTo.PLANS and not rule.has_dates:
                for plan in rule.plans:
                    found.setdefault(plan.id, {})[id(rule)] = rule
        return found

    @cached_property
    def closed_but_for(self) -> Callable[[frozenset[int]], Sequence[Q]]:
        """What filters leave out of the page tree for whom these rules (by ``id()``) let in, and no others."""
        return lru_cache(maxsize=REMEMBERED)(self._closed_but_for)

    def _closed_but_for(self, granted: frozenset[int]) -> Sequence[Q]:
        closed = closed_parts({path: id(rule) in granted for path, rule in self.rules.items()})
        # Put together at once: joining with | copies what is there each time.
        parts = [
            Q(*closed[start : start + PATHS_A_FILTER], _connector=Q.OR)
            for start in range(0, len(closed), PATHS_A_FILTER)
        ]
        return [part & ~Q(path__in=list(self.singles)) for part in parts] if self.singles else parts

    def plans_of(self, rule: Rule) -> Sequence[PlanFacts]:
        """What a teaser says of them. A rule that is only tried may name plans that no rule has yet."""
        missing = [plan.id for plan in rule.plans if plan.id not in self.plans]
        known = {**self.plans, **plan_facts(missing)} if missing else self.plans
        return [known[plan.id] for plan in rule.plans if plan.id in known]

    @property
    def deepest(self) -> int:
        return max((len(path) // Page.steplen for path in self.rules), default=0)


_current: RuleMap | None = None
# The one map that a request goes by, once it has asked for it; None outside of requests.
_held: ContextVar[list[RuleMap] | None] = ContextVar("cms_billing_rules", default=None)


@contextmanager
def one_version() -> Iterator[None]:
    """Inside, the rules stay what they were when they were first asked for, unless it is here that they change: one
    request is decided by one version of them, and asks the cache for the stamp once."""
    token = _held.set([])
    try:
        yield
    finally:
        _held.reset(token)


def current_rules() -> RuleMap:
    """The rules as they are now; no query while nothing changed. Raises RulesUnreadable: then show nothing."""
    held = _held.get()
    if held:
        return held[0]
    known = _up_to_date()
    if held is not None and not _changed_in_this_transaction():
        held.append(known)
    return known


def _up_to_date() -> RuleMap:
    global _current  # noqa: PLW0603  (one map a process is the point)
    version = _shared_version()
    known = _current
    if known is not None and known.version == version and 0 <= time.monotonic() - known.loaded_at < LIFETIME:
        return known
    try:
        loaded = _load(version)
    except DatabaseError as error:
        raise RulesUnreadable(_("The paywall's rules cannot be read: %s") % error) from error
    if not _changed_in_this_transaction():
        _current = loaded
    return loaded


def forget_rules() -> None:
    """Something changed: load again, here and in every process that shares the cache."""
    _renew_version()
    if transaction.get_connection().in_atomic_block and not _changed_in_this_transaction():
        # Others that looked before the commit have loaded the old state under the new stamp.
        transaction.on_commit(_renew_version)


def _changed_in_this_transaction() -> bool:
    """Then what we read may be rolled back, and is not for others."""
    return any(entry[1] is _renew_version for entry in transaction.get_connection().run_on_commit)


def _renew_version() -> None:
    global _current  # noqa: PLW0603
    _current = None
    if held := _held.get():
        held.clear()
    # A cache that is down must not stop an editor; LIFETIME remains.
    with suppress(Exception):
        cache.set(VERSION_KEY, uuid.uuid4().hex, None)


def _shared_version() -> str:
    """The stamp that all processes share; empty where the cache is down or keeps nothing."""
    try:
        version = cache.get(VERSION_KEY)
        if version is None:
            cache.add(VERSION_KEY, uuid.uuid4().hex, None)
            version = cache.get(VERSION_KEY)
    except Exception:  # noqa: BLE001, RUF100  (whatever the cache's client raises: then only LIFETIME counts)
        return ""
    return version or ""


def _load(version: str) -> RuleMap:
    named, of_files = plans_of_rules(), collection_rules()
    plans = plan_facts(_all_plans(named) | {plan.pk for row in of_files for plan in row.plans.all()})
    rules = resolved(_with_translations(list(rules_of_pages(named, plans))))
    return RuleMap(
        rules={**rules, **_aliases(rules, _aliased())} if rules else {},
        singles=_always_open() if rules else {},
        plans=plans,
        collections=rules_by_collection(of_files),
        version=version,
        loaded_at=time.monotonic(),
    )


def rules_if_moved(path: str, to: str) -> RuleMap:
    """The rules as they would be if the page at ``path`` stood at ``to``, with all that is below it."""

    def place(known: str) -> str:
        return to + known[len(path) :] if known.startswith(path) else known

    named = plans_of_rules()
    own = _with_translations(list(rules_of_pages(named, plan_facts(_all_plans(named)))))
    rules = resolved({place(known): rule for known, rule in own.items()})
    sources = {place(alias): place(source) for alias, source in _aliased().items()}
    return RuleMap(
        rules={**rules, **_aliases(rules, sources)} if rules else {},
        singles={place(known): rule for known, rule in _always_open().items()},
    )


def _all_plans(named: Mapping[int, Iterable[int]]) -> set[int]:
    return {plan for plan_ids in named.values() for plan in plan_ids}


def _with_translations(rows: Sequence[RuleRow]) -> dict[str, Rule]:
    """Rules by path; a page that translates one with a rule, and has none itself, follows it."""
    rules = {row.path: row.rule for row in rows}
    by_key: dict[Any, Rule] = {}
    for row in sorted(rows, key=lambda row: row.rule.page_id):
        by_key.setdefault(row.translation_key, row.rule)
    if not by_key or Locale.objects.count() < 2:
        return rules
    translations = Page.objects.filter(translation_key__in=by_key, alias_of=None)
    for path, key in translations.values_list("path", "translation_key"):
        rules.setdefault(path, by_key[key])
    return rules


def resolved(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """``rules`` with those that refine another made whole; where there is none above, the page is open."""
    whole: dict[str, Rule] = {}
    for path in sorted(rules):
        rule = rules[path]
        if rule.opens_to is OpensTo.SECTION:
            above = nearest(whole, path[: -Page.steplen])
            rule = _refined(rule, above) if above else replace(rule, opens_to=OpensTo.EVERYONE)
        whole[path] = rule
    return whole


def _refined(rule: Rule, above: Rule) -> Rule:
    return replace(
        refined(rule, above),
        plans=above.plans,
        quota_page_id=above.quota_page_id if rule.quota is None else rule.page_id,
        gifts_page_id=above.gifts_page_id if rule.gifts is None else rule.page_id,
    )


def nearest(rules: Mapping[str, Rule], path: str) -> Rule | None:
    return next((rules[place] for place in _upwards(path) if place in rules), None)


def _aliased() -> dict[str, str]:
    """Where the source of each alias is, by path."""
    return dict(Page.objects.filter(alias_of__isnull=False).values_list("path", "alias_of__path"))


def _aliases(rules: Mapping[str, Rule], sources: Mapping[str, str]) -> dict[str, Rule]:
    """An alias shows its source's text: where the source is closed, so is it, wherever it stands. What is below an
    alias stands for what is below its source."""
    found = {path: nearest(rules, _original(path, sources)) for path in sources}
    return {path: rule for path, rule in found.items() if rule and rule.opens_to is OpensTo.PLANS}


def _original(path: str, sources: Mapping[str, str]) -> str:
    while path in sources:
        path = sources[path]
    return path


def _always_open() -> dict[str, Rule]:
    """Pages of kinds that say ``paywall_always_open = True``."""
    kinds = [model for model in get_page_models() if getattr(model, "paywall_always_open", False)]
    types = ContentType.objects.get_for_models(*kinds).values()
    return dict.fromkeys(
        Page.objects.filter(content_type__in=types).values_list("path", flat=True), ALWAYS_OPEN
    )


def plan_facts(plan_ids: Collection[int]) -> dict[int, PlanFacts]:
    if not plan_ids:
        return {}
    prices = Prefetch("prices", PlanPrice.objects.order_by("-valid_from"))
    plans = {plan.pk: plan for plan in Plan.objects.filter(pk__in=plan_ids).prefetch_related(prices)}
    urls = offer_urls(plans)
    return {pk: replace(_facts(plan), url=urls.get(pk, "")) for pk, plan in plans.items()}


def _facts(plan: Plan) -> PlanFacts:
    return PlanFacts(
        id=plan.pk,
        name=plan.name,
        kind=plan.kind,
        interval=plan.interval,
        instalments=plan.instalments,
        on_sale=plan.is_active,
        prices=tuple(
            DatedPrice(price.valid_from, price.amount, price.includes_tax) for price in plan.prices.all()
        ),
    )


def _upwards(path: str) -> Iterator[str]:
    """The path itself, then its ancestors, nearest first."""
    for length in range(len(path), 0, -Page.steplen):
        yield path[:length]
