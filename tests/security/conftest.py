"""The tools of somebody who wants to read without paying. ``doors`` look for one sentence that only members may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from cms_billing.testing.factories import PlanFactory, UserFactory
from tests.paywall.conftest import SECRET, Magazine, client_of, magazine, march_31st, member

__all__ = ["magazine", "march_31st"]

ARTICLE = "/magazine/strings/"


@dataclass
class Outsiders:
    """Everybody who may not read: a guest, a user without a plan, a member of another plan, a former member."""

    guest: Client
    user: Client
    neighbour: Client
    former: Client

    @property
    def all(self) -> dict[str, Client]:
        return vars(self)


@pytest.fixture
def outsiders(magazine: Magazine) -> Outsiders:
    from datetime import date

    other = PlanFactory(name="Workshop", issuer=magazine.plan.issuer)
    return Outsiders(
        guest=Client(),
        user=client_of(UserFactory()),
        neighbour=client_of(member(other)[0]),
        former=client_of(member(magazine.plan, end=date(2026, 2, 28))[0]),
    )


@pytest.fixture
def reader(magazine: Magazine) -> Client:
    return client_of(member(magazine.plan)[0])


def tells(response: Any) -> bool:
    """Does the secret come out, in the body or in a header?"""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return SECRET in body.decode("utf-8", "replace") or any(
        SECRET in value for value in response.headers.values()
    )


@pytest.fixture
def cache_in_front(settings):
    """Django's own, before everything else."""
    settings.MIDDLEWARE = [
        "django.middleware.cache.UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    settings.CACHE_MIDDLEWARE_SECONDS = 600
    cache.clear()
