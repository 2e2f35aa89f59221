"""The only writers of access rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from wagtail.log_actions import log
from wagtail.models import Page

from cms_billing.core.exceptions import BillingError
from cms_billing.memberships.models import Plan

from .models import AccessRule
from .rules import OpensTo


class RuleWithoutPlan(BillingError):
    """A closed section that nothing opens."""

    def __init__(self, *, page: object) -> None:
        super().__init__(
            _("Choose at least one plan that opens “%(page)s”, or make it open to everyone.") % {"page": page}
        )


@transaction.atomic
def set_rule(
    *,
    page: Page,
    plans: Iterable[Plan] = (),
    opens_to: str = OpensTo.PLANS,
    preview: str = AccessRule.Preview.PAGE,
    teaser_text: str = "",
    user: Any = None,
) -> AccessRule:
    """The page and everything below it is open to members of ``plans`` from now on. Raises RuleWithoutPlan."""
    chosen = list(plans) if opens_to == OpensTo.PLANS else []
    if opens_to == OpensTo.PLANS and not chosen:
        raise RuleWithoutPlan(page=page)
    rule, _created = AccessRule.objects.update_or_create(
        page_id=page.pk,
        defaults={"opens_to": opens_to, "preview": preview, "teaser_text": teaser_text},
    )
    rule.plans.set(chosen)
    log(
        instance=page,
        action="cms_billing.set_paywall",
        user=user,
        data={"opens_to": str(opens_to), "plans": [plan.name for plan in chosen]},
    )
    return rule


@transaction.atomic
def remove_rule(*, page: Page, user: Any = None) -> bool:
    """The page follows the rule above it again, if there is one; returns whether it had one of its own."""
    deleted, _per_model = AccessRule.objects.filter(page_id=page.pk).delete()
    if deleted:
        log(instance=page, action="cms_billing.remove_paywall", user=user)
    return bool(deleted)
