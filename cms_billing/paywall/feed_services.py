"""A member's own address of the feeds."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from cms_billing.core import clock

from .models import FeedAddress


@transaction.atomic
def feed_address(*, user: Any) -> FeedAddress:
    """The address that works, made when there is none."""
    # Two pages opened at once make one address.
    get_user_model()._default_manager.select_for_update().get(pk=user.pk)
    found = FeedAddress.objects.filter(user=user, revoked_at=None).first()
    return found or FeedAddress.objects.create(user=user)


@transaction.atomic
def renew_feed_address(*, user: Any) -> FeedAddress:
    """The old address works no longer: it has come into other hands."""
    revoke_feed_address(user=user)
    return feed_address(user=user)


def revoke_feed_address(*, user: Any) -> bool:
    """Returns whether there was one."""
    working = FeedAddress.objects.filter(user=user, revoked_at=None)
    return bool(working.update(revoked_at=clock.now()))
