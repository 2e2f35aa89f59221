"""The only writers of rules of collections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _
from wagtail.images.models import get_rendition_storage
from wagtail.log_actions import log
from wagtail.models import Collection

from cms_billing.core.exceptions import BillingError
from cms_billing.memberships.models import Plan

from ..models import CollectionRule
from ..rules import OpensTo
from ..services import RuleWithoutPlan
from .moving import settle_files
from .storage import keeps_apart


class FilesWouldStayPublic(BillingError):
    """The site's storage knows no private side."""

    def __init__(self, *, collection: object) -> None:
        super().__init__(
            _(
                "The files of “%(collection)s” cannot be closed: this site keeps all of them at public addresses. "
                "An administrator changes STORAGES as the documentation of the paywall says."
            )
            % {"collection": collection}
        )


def files_can_be_private() -> bool:
    return keeps_apart(default_storage) and keeps_apart(get_rendition_storage())


@transaction.atomic
def set_collection_rule(
    *,
    collection: Collection,
    plans: Iterable[Plan] = (),
    opens_to: str = OpensTo.PLANS,
    closes_at: int | None = None,
    user: Any = None,
) -> CollectionRule:
    """Documents and images of the collection and of those below it are for members of ``plans`` from now on.

    Their files are moved after commit. Raises RuleWithoutPlan and FilesWouldStayPublic.
    """
    chosen = list(plans) if opens_to == OpensTo.PLANS else []
    if opens_to == OpensTo.PLANS and not chosen:
        raise RuleWithoutPlan(page=collection)
    if opens_to == OpensTo.PLANS and not files_can_be_private():
        raise FilesWouldStayPublic(collection=collection)
    rule, _created = CollectionRule.objects.update_or_create(
        collection=collection, defaults={"opens_to": opens_to, "closes_at": closes_at}
    )
    rule.plans.set(chosen)
    log(
        instance=collection,
        action="cms_billing.set_paywall",
        user=user,
        data={"opens_to": str(opens_to), "plans": [plan.name for plan in chosen]},
    )
    settle_files()
    return rule


@transaction.atomic
def remove_collection_rule(*, collection: Collection, user: Any = None) -> bool:
    """The collection follows the one above it again; returns whether it had a rule of its own."""
    deleted, _per_model = CollectionRule.objects.filter(collection=collection).delete()
    if deleted:
        log(instance=collection, action="cms_billing.remove_paywall", user=user)
        settle_files()
    return bool(deleted)
