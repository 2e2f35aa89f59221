"""An HTTP session that answers from a script, for what Stripe's stand-in never says."""

from __future__ import annotations

import io
import json
from typing import Any

import requests
from requests.adapters import BaseAdapter

from cms_billing.payments.providers import Account
from cms_billing.payments.providers.stripe import StripeProvider

KEY = "sk_test_51Scripted"
SECRETS = {"SECRET_KEY": KEY, "WEBHOOK_SECRET": "whsec_scripted"}


class Script(BaseAdapter):
    """``answers``: (status, JSON or bytes) or an exception, one a request; the last one again and again."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)
        self.requests: list[requests.PreparedRequest] = []

    def send(self, request: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            if isinstance(answer, requests.RequestException):
                answer.request = request
            raise answer
        status, body = answer
        response = requests.Response()
        response.status_code = status
        response.raw = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        response.url, response.request = request.url, request
        response.headers.update({"Content-Type": "application/json", "Request-Id": "req_1"})
        return response

    def close(self) -> None:
        """Nothing to close."""

    def session(self) -> requests.Session:
        session = requests.Session()
        session.mount("https://", self)
        return session


def account(**facts: Any) -> Account:
    known = {
        "provider": "stripe",
        "slug": "main",
        "issuer_id": 1,
        "secrets": SECRETS,
        "requests_per_second": 500,
    }
    return Account(**{**known, **facts})


def provider_that_hears(*answers: Any, **facts: Any) -> tuple[StripeProvider, Script]:
    script = Script(*answers)
    return StripeProvider(account(new_session=script.session, **facts)), script


def error(code: str = "", message: str = "No.", kind: str = "invalid_request_error", **more: Any) -> dict:
    return {"error": {"type": kind, "code": code, "message": message, **more}}


def intent(status: str = "succeeded", **facts: Any) -> dict:
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 1000,
        "currency": "eur",
        "latest_charge": {"id": "ch_1", "object": "charge", "amount_refunded": 0, "disputed": False},
        "metadata": {},
        "status": status,
        **facts,
    }


def listed(*things: dict) -> dict:
    return {"object": "list", "data": list(things), "has_more": False, "url": "/v1/things"}
