"""The only writers of access rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from wagtail.log_actions import log
from wagtail.models import Page, PageLogEntry, Revision, TaskState

from cms_billing.core.exceptions import BillingError
from cms_billing.memberships.models import Plan

from .access_changes import CHANGED, RULE_REMOVED, RULE_SET, rule_of
from .models import AccessRule
from .terms import OpensTo, RuleTerms

CHILDREN = "paywall_rules"


class RuleWithoutPlan(BillingError):
    """A closed section that nothing opens."""

    def __init__(self, *, page: object) -> None:
        super().__init__(
            _("Choose at least one plan that opens “%(page)s”, or make it open to everyone.") % {"page": page}
        )


class RuleOnAlias(BillingError):
    """An alias shows another page's text, so it is sold as that page is."""

    def __init__(self, *, page: Page) -> None:
        super().__init__(
            _("“%(page)s” is an alias and follows its source page. Change the rule of “%(source)s”.")
            % {"page": page, "source": page.alias_of}
        )


@transaction.atomic
def set_rule(
    *, page: Page, plans: Iterable[Plan] = (), terms: RuleTerms | None = None, user: Any = None
) -> AccessRule:
    """The page and everything below it is open by these terms from now on, to members of ``plans`` where they say so.

    The rule is live at once, and in the page's drafts too, so that publishing one does not bring the old rule back.
    Raises RuleWithoutPlan, RuleOnAlias.
    """
    terms = terms or RuleTerms()
    chosen = list(plans) if terms.opens_to == OpensTo.PLANS else []
    if terms.opens_to == OpensTo.PLANS and not chosen:
        raise RuleWithoutPlan(page=page)
    if page.alias_of_id is not None:
        raise RuleOnAlias(page=page)
    rule = AccessRule.objects.select_for_update().filter(page_id=page.pk).first()
    rule = rule or AccessRule(page_id=page.pk)
    for name, value in vars(terms).items():
        setattr(rule, name, value)
    rule.plans.set(chosen)
    rule.save()
    _keep_in_revisions(page, [rule.serializable_data()], user=user)
    log(
        instance=page,
        action=RULE_SET,
        user=user,
        data={"opens_to": str(terms.opens_to), "plans": [plan.name for plan in chosen]},
    )
    return rule


@transaction.atomic
def remove_rule(*, page: Page, user: Any = None) -> bool:
    """The page follows the rule above it again, if there is one; returns whether it had one of its own."""
    deleted, _per_model = AccessRule.objects.filter(page_id=page.pk).delete()
    if deleted:
        _keep_in_revisions(page, [], user=user)
        log(instance=page, action=RULE_REMOVED, user=user)
    return bool(deleted)


@transaction.atomic
def bring_rule_back(*, page: Page, version: Revision, user: Any = None) -> None:
    """The rule that ``version`` of the page has: at once where the page was published with it, else with its draft.

    Raises RuleWithoutPlan where the plans are gone; then the rule stays as it is.
    """
    kept = version.content.get(CHILDREN)
    if kept is None:
        return
    page = Page.objects.get(pk=page.pk)
    if not page.live or page.has_unpublished_changes:
        draft = page.latest_revision
        draft.content = {**draft.content, CHILDREN: kept}
        draft.save(update_fields=["content"])
    elif kept:
        terms = AccessRule.from_serializable_data(kept[0]).rule_terms
        set_rule(page=page, plans=Plan.objects.filter(pk__in=kept[0]["plans"]), terms=terms, user=user)
    else:
        remove_rule(page=page, user=user)


@transaction.atomic
def drop_copied_rule(*, page: Page) -> None:
    """The copy of a page forgets the rule that was copied with it, in its versions too."""
    AccessRule.objects.filter(page_id=page.pk).delete()
    for revision in page.revisions.all():
        revision.content = {**revision.content, CHILDREN: []}
        revision.save(update_fields=["content"])


def note_change(
    *, page: Page, how: str, before: dict[str, Any], after: dict[str, Any], section: str, user: Any = None
) -> PageLogEntry:
    """In the page's history: by ``how`` (moved, copied, converted) others may read it than before. ``before`` and
    ``after`` as ``access_changes.facts_of`` has them; ``section``: where the rule before stood."""
    data = {"how": how, "before": before, "after": after, "section": section}
    return log(instance=page, action=CHANGED, user=user, data=data)


@transaction.atomic
def keep_access(*, change: PageLogEntry, user: Any = None) -> AccessRule:
    """The page gets a rule of its own that says what counted before the change. Raises RuleWithoutPlan where the plans
    are gone, RuleOnAlias."""
    said = rule_of(change.data["before"])
    terms = RuleTerms(**{name: getattr(said, name) for name in RuleTerms.__dataclass_fields__})
    plans = Plan.objects.filter(pk__in=[plan.id for plan in said.plans])
    return set_rule(page=change.page, plans=plans, terms=terms, user=user)


def _keep_in_revisions(page: Page, rules: list[dict[str, Any]], *, user: Any) -> None:
    """A version of its own in the page's history; what waits to be published (draft, schedule, workflow) gets the rule
    as well. Pages that were never edited have no history that could bring an old rule back."""
    page = Page.objects.get(pk=page.pk)
    if page.latest_revision_id is None:
        return
    if page.latest_revision_id == page.live_revision_id and not page.has_unpublished_changes:
        revision = page.specific.save_revision(user=user, changed=False, clean=False)
        Page.objects.filter(pk=page.pk).update(live_revision=revision)
        # Else the version before would be taken for the one that waits, and lose the rule it had.
        page.refresh_from_db(fields=["latest_revision", "live_revision"])
    for revision in _waiting(page):
        revision.content = {**revision.content, CHILDREN: rules}
        revision.save(update_fields=["content"])


def _waiting(page: Page) -> Iterator[Revision]:
    in_workflow = TaskState.objects.filter(status=TaskState.STATUS_IN_PROGRESS).values("revision")
    return (
        page.revisions.filter(
            Q(pk__in=[page.latest_revision_id, page.live_revision_id])
            | Q(approved_go_live_at__isnull=False)
            | Q(pk__in=in_workflow)
        )
        .order_by("pk")
        .iterator()
    )
