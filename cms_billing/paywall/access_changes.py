"""What moving, copying or converting a page does to who may read it, and what is below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db.models import QuerySet
from wagtail.models import Page, PageLogEntry

from . import texts
from .rule_map import RuleMap, current_rules, rules_if_moved
from .rule_texts import terms_in_words
from .rules import OpensTo, Rule, RulePlan
from .terms import Preview, RuleTerms

CHANGED = "cms_billing.access_changed"
RULE_SET, RULE_REMOVED = "cms_billing.set_paywall", "cms_billing.remove_paywall"
# Nothing stands there: the last place that a page can have below another.
SOMEWHERE = "Z" * Page.steplen
DAYS = ("free_until", "free_from", "opens_on")
Facts = dict[str, Any]


@dataclass(frozen=True)
class AccessChange:
    """A page that others may read than before. ``below``: how many pages below it change in the same way."""

    page: Page
    before: Rule | None
    after: Rule | None
    below: int = 0

    @property
    def opens(self) -> bool:
        return is_closed(self.before) and not is_closed(self.after)

    def terms(self) -> list[tuple[str, str, str]]:
        """The terms that differ: what they are about, what is said now, what was said before."""
        if not (is_closed(self.before) and is_closed(self.after)):
            return []
        now, before = dict(terms_in_words(self.after)), dict(terms_in_words(self.before))  # type: ignore[arg-type]
        labels = dict.fromkeys([*now, *before])
        found = [(label, now.get(label, ""), before.get(label, "")) for label in labels]
        return [(label, said, was) for label, said, was in found if said != was]


def is_closed(rule: Rule | None) -> bool:
    return rule is not None and rule.opens_to is OpensTo.PLANS


def facts_of(rule: Rule | None) -> Facts:
    """Whom a rule lets in, and its terms, as JSON has them. The same facts are the same access."""
    if rule is None or rule.opens_to is OpensTo.EVERYONE:
        return {"opens_to": OpensTo.EVERYONE.value}
    terms = {name: getattr(rule, name) for name in RuleTerms.__dataclass_fields__}
    days = {name: terms[name].isoformat() if terms[name] else None for name in DAYS}
    plans = [[plan.id, plan.name] for plan in sorted(rule.plans, key=lambda plan: plan.id)]
    return {**terms, **days, "opens_to": rule.opens_to.value, "preview": rule.preview.value, "plans": plans}


def rule_of(facts: Facts, *, section: str = "") -> Rule:
    """The other way round: a rule of no page, which says what ``facts`` say."""
    terms = {name: value for name, value in facts.items() if name in RuleTerms.__dataclass_fields__}
    terms["opens_to"] = OpensTo(terms["opens_to"])
    if "preview" in terms:
        terms["preview"] = Preview(terms["preview"])
    terms.update({name: date.fromisoformat(terms[name]) for name in DAYS if terms.get(name)})
    plans = tuple(RulePlan(pk, name) for pk, name in facts.get("plans", []))
    return Rule(page_id=0, page_title=section, plans=plans, **terms)


def changes_by_moving(page: Page, to: Page) -> list[AccessChange]:
    """What would change, before anybody has done it. Raises RulesUnreadable."""
    there = to.path + SOMEWHERE
    pages = pages_at(page.path)

    def place(old: Page) -> str:
        return there + old.path[len(page.path) :]

    return found_in(pages, current_rules(), rules_if_moved(page.path, there), after_path=place)


def changes_by_having_moved(page: Page, *, from_path: str, before: RuleMap) -> list[AccessChange]:
    """``before``: the rules while the page stood at ``from_path``."""

    def place(new: Page) -> str:
        return from_path + new.path[len(page.path) :]

    return found_in(pages_at(page.path), before, current_rules(), before_path=place)


def changes_by_copying(page: Page, copy: Page) -> list[AccessChange]:
    """What the copy (or alias) lets in, beside the original. Copies of what is below stand in the same order."""
    copies = list(pages_at(copy.path))
    originals = list(pages_at(page.path)) if len(copies) > 1 else [page]
    paths = {new.path: old.path for new, old in zip(copies, originals, strict=False)}
    ids = {old.pk: new.pk for new, old in zip(copies, originals, strict=False)}
    known = current_rules()
    found = found_in(copies, known, known, before_path=lambda new: paths[new.path])
    return [replace(change, before=_as_copied(change.before, ids)) for change in found]


def _as_copied(rule: Rule | None, ids: Mapping[int, int]) -> Rule | None:
    """The rule on a page that was copied is its copy's own."""
    return replace(rule, page_id=ids.get(rule.page_id, rule.page_id)) if rule else None


def pages_at(path: str) -> QuerySet[Page]:
    """The page and what is below it, each after what is above it."""
    fields = ("path", "depth", "title", "draft_title", "live", "alias_of")
    return Page.objects.filter(path__startswith=path).order_by("path").only(*fields)


def path_of(page: Page) -> str:
    return page.path


def found_in(
    pages: Iterable[Page],
    before: RuleMap,
    after: RuleMap,
    *,
    before_path: Callable[[Page], str] = path_of,
    after_path: Callable[[Page], str] = path_of,
) -> list[AccessChange]:
    """The pages at which something changes. What changes below one of them in the same way is counted with it."""
    found: dict[str, list[Page]] = {}
    kinds: dict[str, tuple[str, Any]] = {}
    rules: dict[str, tuple[Rule | None, Rule | None]] = {}
    for page in pages:
        was, now = before.rule_for(before_path(page)), after.rule_for(after_path(page))
        kind = (facts_of(was), facts_of(now))
        if kind[0] == kind[1]:
            continue
        first, known = kinds.get(page.path[: -Page.steplen], (page.path, None))
        if known != kind:
            first = page.path
            rules[first] = was, now
        kinds[page.path] = first, kind
        found.setdefault(first, []).append(page)
    return [AccessChange(same[0], *rules[first], below=len(same) - 1) for first, same in found.items()]


def in_words(change: AccessChange, *, before: Any) -> Iterator[str]:
    """As the editor reads it: what counts now, what counted before (in the words of ``before``), and the terms that
    differ."""
    yield str(texts.covered_by(change.after, page_id=change.page.pk))
    yield str(before) % {"says": texts.covered_by(change.before, page_id=change.page.pk)}
    for label, now, was in change.terms():
        yield texts.term_before(label, now=now, before=was)


def unsettled_change(page: Page) -> PageLogEntry | None:
    """The last change of access that nobody decided on, while it still makes a difference. One query."""
    actions = (CHANGED, RULE_SET, RULE_REMOVED)
    entries = PageLogEntry.objects.filter(page=page.pk, action__in=actions)
    last = entries.order_by("-timestamp", "-pk").first()
    if last is None or last.action != CHANGED:
        return None
    now = facts_of(current_rules().rule_for(page.path))
    return last if now != last.data.get("before") else None


def said_before(entry: PageLogEntry) -> str:
    """What the page's access was before the change that is logged, as part of a text."""
    facts, section = entry.data["before"], entry.data.get("section", "")
    rule = rule_of(facts, section=section) if section else None
    return str(texts.BEFORE) % {"says": texts.covered_by(rule, page_id=-1)}
