"""One change to the rules of many pages: new plans, another teaser, or no rule of their own any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _
from wagtail.models import Page

from cms_billing.core.exceptions import BillingError
from cms_billing.memberships.models import Plan

from .models import AccessRule
from .rule_form import plans_for
from .rule_map import current_rules
from .services import remove_rule, set_rule
from .terms import OpensTo, Preview, RuleTerms

PLANS, TEASER, REMOVE = "plans", "teaser", "remove"


class NoRuleToChange(BillingError):
    """Nothing closes the page, so that it has no teaser."""

    def __init__(self, *, page: Page) -> None:
        super().__init__(_("“%(page)s” is open to everyone: choose its plans first.") % {"page": page})


class PlanOfAnotherSite(BillingError):
    """The plan is not sold where the page is."""

    def __init__(self, *, page: Page, plans: Iterable[Plan]) -> None:
        names = ", ".join(plan.name for plan in plans)
        super().__init__(
            _("On the site of “%(page)s” these plans are not sold: %(plans)s.")
            % {"page": page, "plans": names}
        )


@dataclass(frozen=True)
class Change:
    """``kind`` is PLANS, TEASER or REMOVE; ``preview`` has the three fields of ``RuleTerms`` that make a teaser."""

    kind: str
    plans: Sequence[Plan] = ()
    preview: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    page: Page
    reason: str


def change_rules(
    pages: Iterable[Page], change: Change, *, user: Any = None
) -> tuple[list[Page], list[Problem]]:
    """Each page by itself: those that were changed, and those that were not with the reason."""
    done, problems = [], []
    for page in pages:
        try:
            change_rule(page, change, user=user)
            done.append(page)
        except BillingError as error:
            problems.append(Problem(page, str(error)))
    return done, problems


def change_rule(page: Page, change: Change, *, user: Any = None) -> None:
    """Raises BillingError where the change makes no sense for this page."""
    changed: dict[str, Callable[..., None]] = {PLANS: _set_plans, TEASER: _set_teaser, REMOVE: _remove}
    changed[change.kind](page, change, user)


def _set_plans(page: Page, change: Change, user: Any) -> None:
    """The rest of what the rule says stays."""
    sold = set(
        plans_for(page, None).filter(pk__in=[plan.pk for plan in change.plans]).values_list("pk", flat=True)
    )
    if elsewhere := [plan for plan in change.plans if plan.pk not in sold]:
        raise PlanOfAnotherSite(page=page, plans=elsewhere)
    own = _own(page)
    terms = own.rule_terms if own else RuleTerms()
    preview = Preview.PAGE if terms.preview is Preview.SECTION else terms.preview
    set_rule(
        page=page,
        plans=change.plans,
        terms=replace(terms, opens_to=OpensTo.PLANS, preview=preview),
        user=user,
    )


def _set_teaser(page: Page, change: Change, user: Any) -> None:
    """A page that follows a closed section gets a rule that only says what others see."""
    own = _own(page)
    covering = current_rules().rule_for(page.path)
    if covering is None or covering.opens_to is not OpensTo.PLANS:
        raise NoRuleToChange(page=page)
    terms = own.rule_terms if own else RuleTerms(opens_to=OpensTo.SECTION)
    plans = list(own.plans.all()) if own else []
    set_rule(page=page, plans=plans, terms=replace(terms, **change.preview), user=user)


def _remove(page: Page, change: Change, user: Any) -> None:
    remove_rule(page=page, user=user)


def _own(page: Page) -> AccessRule | None:
    return AccessRule.objects.filter(page_id=page.pk).first()
