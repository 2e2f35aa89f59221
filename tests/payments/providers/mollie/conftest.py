"""An account at Mollie's stand-in, without rows of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from cms_billing.core import clock
from cms_billing.payments.providers import Account
from cms_billing.payments.providers.mollie import MollieProvider

from .shapes import checked_session

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
API_KEY, ACCESS_TOKEN, WEBHOOK_SECRET = "test_standinkey1", "access_standintoken1", "whsec_standin1"


@pytest.fixture
def books(settings, db):
    """The stand-in knows the account "mollie/main"; it is noon of 10 March 2026."""
    own = {"API_KEY": API_KEY, "ACCESS_TOKEN": ACCESS_TOKEN}
    providers = settings.CMS_BILLING["PROVIDERS"]
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "PROVIDERS": {**providers, "mollie": "cms_billing.payments.providers.mollie.MollieProvider"},
        "PROVIDER_ACCOUNTS": {"mollie/main": own},
    }
    with clock.frozen(NOON):
        yield


@pytest.fixture
def mollie(books):
    return MollieProvider(account_with())


def account_with(new_session: Callable[[], requests.Session] = checked_session, **changes: Any) -> Account:
    facts: dict[str, Any] = {
        "provider": "mollie",
        "slug": "main",
        "issuer_id": 1,
        "secrets": {"API_KEY": API_KEY, "ACCESS_TOKEN": ACCESS_TOKEN, "WEBHOOK_SECRET": WEBHOOK_SECRET},
        "new_session": new_session,
        "requests_per_second": 500,
    }
    return Account(**{**facts, **changes})


class Scripted(BaseAdapter):
    """Answers from a list: (status, JSON or bytes), or an exception. Remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[Any] = []

    def send(self, request: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        response = requests.Response()
        response.status_code, response.request, response.url = status, request, request.url
        response.headers["Content-Type"] = "application/hal+json"
        response.raw = BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        return response

    def close(self) -> None:
        """There is no connection to close."""

    @property
    def bodies(self) -> list[Mapping[str, Any]]:
        return [json.loads(request.body) for request in self.asked if request.body]


def scripted(*answers: Any, **changes: Any) -> tuple[MollieProvider, Scripted]:
    """A provider whose requests are answered from a list."""
    adapter = Scripted(*answers)

    def new_session() -> requests.Session:
        session = requests.Session()
        session.mount("https://", adapter)
        return session

    return MollieProvider(account_with(new_session, **changes)), adapter


def refusal(status: int, detail: str, field: str = "") -> tuple[int, dict[str, Any]]:
    return status, {"status": status, "title": "?", "detail": detail, **({"field": field} if field else {})}


def payment(**changes: Any) -> dict[str, Any]:
    facts = {
        "resource": "payment",
        "id": "tr_WDqYK6vllg",
        "mode": "test",
        "createdAt": "2026-03-10T12:00:00+00:00",
        "amount": {"currency": "EUR", "value": "10.00"},
        "status": "paid",
        "metadata": {"key": "00000000-0000-4000-8000-000000000001"},
        "sequenceType": "recurring",
        "customerId": "cst_8wmqcHMN4U",
        "mandateId": "mdt_h3gAaD5zP",
        "amountRefunded": {"currency": "EUR", "value": "0.00"},
        "amountRemaining": {"currency": "EUR", "value": "10.00"},
        "_embedded": {"chargebacks": []},
    }
    return {**facts, **changes}


def listing(name: str, *items: Mapping[str, Any], following: str = "") -> tuple[int, dict[str, Any]]:
    links = {"next": {"href": following, "type": "application/hal+json"} if following else None}
    return 200, {"count": len(items), "_embedded": {name: list(items)}, "_links": links}
