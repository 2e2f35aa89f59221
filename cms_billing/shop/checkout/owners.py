"""Whose attempt is it? The account's that ordered; a guest's, the browser's."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from cms_billing.shop.models import CheckoutAttempt

SESSION_KEY = "billing_checkout_attempts"
# A guest who tries again and again keeps the latest.
KEPT = 10


def remember_attempt(request: Any, attempt: CheckoutAttempt) -> None:
    """A guest is known by this browser alone."""
    if attempt.user_id is None:
        known = [pk for pk in request.session.get(SESSION_KEY, []) if pk != attempt.pk]
        request.session[SESSION_KEY] = [*known, attempt.pk][-KEPT:]


def owns(request: Any, attempt: CheckoutAttempt) -> bool:
    if attempt.user_id is not None:
        return request.user.is_authenticated and request.user.pk == attempt.user_id
    return attempt.pk in request.session.get(SESSION_KEY, [])


def owned_attempts(request: Any) -> QuerySet[CheckoutAttempt]:
    """Unfinished ones, the latest first."""
    mine = Q(user=None, pk__in=request.session.get(SESSION_KEY, []))
    if request.user.is_authenticated:
        mine |= Q(user=request.user)
    return CheckoutAttempt.objects.unfinished().filter(mine).select_related("session").order_by("-pk")
