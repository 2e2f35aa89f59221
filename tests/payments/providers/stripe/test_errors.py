"""What goes wrong on the way to Stripe, and what billing makes of it."""

from __future__ import annotations

import socket
import uuid

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError, ProtocolError

from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.payments.providers import (
    AccountRefused,
    ChargeRequest,
    OutcomeUnknown,
    ProviderDown,
    Status,
)
from cms_billing.payments.providers.stripe import StripeProvider

from .scripted import KEY, account, error, intent, provider_that_hears

CHARGE = ChargeRequest(
    uuid.UUID(int=1), Money(1000, "EUR"), "pm_1", "RE-1", 1, "cus_1", return_url="https://shop.example/"
)
METHOD = {"id": "pm_1", "object": "payment_method", "type": "card", "customer": "cus_1"}


# -- keys, judged before anybody is asked ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "is_live", "told"),
    [
        ("", False, "has no secret key"),
        ("pk_test_51abc", False, "begins with sk_ or rk_"),
        ("whsec_51abc", False, "begins with sk_ or rk_"),
        ("sk_test_51abc", True, "is live, but its secret key is a test key"),
        ("rk_live_51abc", False, "is not live, but its secret key is"),
    ],
)
def test_wrong_key_is_refused_without_asking(key, is_live, told):
    provider, script = provider_that_hears((200, intent()), secrets={"SECRET_KEY": key}, is_live=is_live)
    with pytest.raises(AccountRefused, match=told) as refusal:
        provider.charge(CHARGE)
    assert "stripe/main" in str(refusal.value)
    assert "CMS_BILLING_STRIPE_MAIN_SECRET_KEY" in str(refusal.value)
    assert not key or key not in str(refusal.value)
    assert script.requests == []


@pytest.mark.parametrize(
    ("key", "is_live"), [("sk_live_51a", True), ("rk_live_51a", True), ("rk_test_51a", False)]
)
def test_right_key_is_used(key, is_live):
    provider, script = provider_that_hears((200, intent()), secrets={"SECRET_KEY": key}, is_live=is_live)
    assert provider.charge(CHARGE).status is Status.SETTLED
    assert script.requests[0].headers["Authorization"] == f"Bearer {key}"


def test_without_an_account_nothing_is_asked():
    with pytest.raises(AccountRefused):
        StripeProvider().charge(CHARGE)


# -- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected", "told"),
    [
        ((401, error(message=f"Invalid API Key provided: {KEY}")), AccountRefused, "refuses the secret key"),
        ((403, error("more_permissions_required")), AccountRefused, "may not do this"),
        ((429, error("rate_limit")), ProviderDown, "too often"),
        ((429, error("lock_timeout")), ProviderDown, "too often"),
        ((503, error(kind="api_error")), ProviderDown, "does not work"),
        ((500, error(kind="api_error")), OutcomeUnknown, "did not say"),
        ((502, b"<html>Bad gateway</html>"), OutcomeUnknown, "did not say"),
        ((409, error("idempotency_key_in_use", kind="idempotency_error")), OutcomeUnknown, "did not say"),
        ((200, b"<html>Maintenance</html>"), OutcomeUnknown, "did not say"),
        ((200, []), OutcomeUnknown, "cannot be read"),
        ((400, error(kind="idempotency_error")), PermanentFailure, "idempotency key"),
        ((400, error("livemode_mismatch")), AccountRefused, "other mode"),
        (
            (
                400,
                error("resource_missing", "No such customer: 'cus_1'; a similar object exists in live mode"),
            ),
            AccountRefused,
            "other mode",
        ),
        (requests.ConnectTimeout("slow"), ProviderDown, "could not be reached"),
        (requests.ReadTimeout("slow"), OutcomeUnknown, "lost on the way"),
        (
            requests.ConnectionError(
                ProtocolError("Connection aborted.", ConnectionResetError(104, "reset"))
            ),
            OutcomeUnknown,
            "lost on the way",
        ),
        (
            requests.ConnectionError(
                MaxRetryError(None, "/", NameResolutionError("api.stripe.com", None, socket.gaierror(-2)))
            ),
            ProviderDown,
            "could not be reached",
        ),
        (requests.exceptions.ChunkedEncodingError("half an answer"), OutcomeUnknown, "lost on the way"),
    ],
)
def test_charge_without_a_clear_answer(answer, expected, told):
    provider, script = provider_that_hears(answer)
    with pytest.raises(expected, match=told) as problem:
        provider.charge(CHARGE)
    assert len(script.requests) == 1, "the library must not try again by itself"
    _leads_to_no_secret(problem.value)


@pytest.mark.parametrize(
    "answer",
    [
        (500, error(kind="api_error")),
        (200, b"<html>"),
        (200, []),
        requests.ReadTimeout("slow"),
        (418, {"tea": 1}),
    ],
)
def test_look_up_without_a_clear_answer_is_down(answer):
    provider, _script = provider_that_hears(answer)
    with pytest.raises(ProviderDown) as problem:
        provider.look_up(reference="pi_1", idempotency_key=None)
    _leads_to_no_secret(problem.value)


def test_nobody_listens_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    provider = StripeProvider(account(api_url=f"http://127.0.0.1:{port}"))
    with pytest.raises(ProviderDown):
        provider.charge(CHARGE)


def test_mistake_of_ours_does_not_look_like_a_bad_line():
    provider, _script = provider_that_hears(RuntimeError("not inside a transaction"))
    with pytest.raises(RuntimeError, match="transaction"):
        provider.charge(CHARGE)


def test_unknown_status_is_named_and_never_guessed():
    provider, _script = provider_that_hears((200, intent("requires_blessing")))
    with pytest.raises(ProviderDown, match=r"requires_blessing.*pi_1"):
        provider.look_up(reference="pi_1", idempotency_key=None)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (error("amount_too_small", "Amount must be at least 50 cents", param="amount"), "below the least"),
        (error("", "Invalid currency: xts", param="currency"), "does not take this currency"),
        (error("payment_method_unactivated", "No"), "not switched on"),
        (error("parameter_unknown", "Received unknown parameter: x"), "Received unknown parameter"),
    ],
)
def test_request_that_can_never_succeed_says_why(told, says):
    provider, _script = provider_that_hears((400, told), (200, METHOD))
    with pytest.raises(PermanentFailure, match=says):
        provider.charge(CHARGE)


def test_payment_method_of_another_stripe_account_is_no_dead_method():
    missing = error("resource_missing", "No such PaymentMethod: 'pm_1'", param="payment_method")
    provider, _script = provider_that_hears((400, missing), (404, missing))
    with pytest.raises(AccountRefused, match="another Stripe account"):
        provider.charge(CHARGE)


@pytest.mark.parametrize("customer", [None, "cus_other"])
def test_method_that_is_the_payers_no_more_is_dead(customer):
    told = error("", "The provided PaymentMethod was detached from a Customer.")
    provider, _script = provider_that_hears((400, told), (200, {**METHOD, "customer": customer}))
    notice = provider.charge(CHARGE)
    assert (notice.status, notice.code, notice.final) == (Status.FAILED, "payment_method_detached", True)
    assert (notice.reference, notice.idempotency_key) == ("", CHARGE.idempotency_key)


def _leads_to_no_secret(problem: BaseException) -> None:
    """Neither its text nor anything a traceback leads to knows the key, or a request with its headers."""
    while problem is not None:
        request = getattr(problem, "request", None)
        shown = f"{problem!r} {problem} {vars(problem)!r} {getattr(request, 'headers', '')}"
        assert KEY not in shown
        problem = problem.__cause__ or problem.__context__
