"""What can go wrong on the way to Mollie and back: each in its class, each in a sentence, none with a key in it."""

import logging
import traceback
import uuid
from email.message import Message
from types import SimpleNamespace

import pytest
import requests
from requests.cookies import extract_cookies_to_jar
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError, ProtocolError

from cms_billing.core.exceptions import PermanentFailure
from cms_billing.core.money import Money
from cms_billing.payments.providers import (
    AccountRefused,
    ChargeRequest,
    OutcomeUnknown,
    ProviderDown,
    RefundRequest,
    Status,
)
from cms_billing.payments.providers.mollie import MollieProvider

from .conftest import ACCESS_TOKEN, API_KEY, WEBHOOK_SECRET, account_with, listing, payment, refusal, scripted

TEN = Money.of("10.00", "EUR")
WEB_PAGE = b"<html><h1>502 Bad Gateway</h1></html>"
REFUSED = requests.ConnectionError(MaxRetryError(None, "/", NewConnectionError(None, "refused")))
NO_SUCH_HOST = requests.ConnectionError(
    MaxRetryError(None, "/", NameResolutionError("api.mollie.com", None, OSError()))
)
CUT_OFF = requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError()))


def request(**changes) -> ChargeRequest:
    facts = {
        "idempotency_key": uuid.uuid4(),
        "amount": TEN,
        "method_reference": "cst_8wmqcHMN4U/mdt_h3gAaD5zP",
        "description": "RE-1",
        "issuer_id": 1,
    }
    return ChargeRequest(**{**facts, **changes})


# -- keys, before anything is asked ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "is_live", "told"),
    [
        ("", False, "has no API key"),
        ("sk_test_1234", False, "none of Mollie's"),
        ("test_12 34", False, "none of Mollie's"),
        ("access_1234", False, "none of Mollie's"),
        ("test_1234", True, "is live, but has a test key"),
        ("live_1234", False, "is a test account, but has a live key"),
    ],
)
def test_key_that_cannot_fit_is_refused_before_anything_is_asked(key, is_live, told):
    provider, adapter = scripted(secrets={"API_KEY": key}, is_live=is_live)
    with pytest.raises(AccountRefused, match=told) as refused:
        provider.charge(request())
    assert "mollie/main" in str(refused.value)
    assert not adapter.asked
    assert not key or key not in str(refused.value)


def test_payouts_ask_for_the_token_of_the_organisation():
    provider, _ = scripted(secrets={"API_KEY": "test_1234"})
    with pytest.raises(AccountRefused, match="ACCESS_TOKEN"):
        list(provider.payouts(since=None))
    provider, _ = scripted(secrets={"ACCESS_TOKEN": "test_1234"})
    with pytest.raises(AccountRefused, match="access_"):
        list(provider.payouts(since=None))


def test_without_an_account_it_only_says_what_it_is():
    assert MollieProvider().capabilities.charges
    with pytest.raises(AccountRefused, match="choose one"):
        MollieProvider().charge(request())


@pytest.mark.parametrize(("status", "told"), [(401, "refuses the key"), (403, "lacks a right")])
def test_key_that_mollie_refuses_is_named_by_its_account(status, told):
    provider, _ = scripted(refusal(status, "Missing authentication, or failed to authenticate"))
    with pytest.raises(AccountRefused, match=told) as refused:
        provider.charge(request())
    assert "mollie/main" in str(refused.value)


def test_wrong_key_is_refused_by_the_stand_in(books):
    wrong = MollieProvider(account_with(secrets={"API_KEY": "test_another"}))
    with pytest.raises(AccountRefused, match="mistyped"):
        wrong.charge(request())


# -- the way there and back --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [requests.ConnectTimeout(), REFUSED, NO_SUCH_HOST, (429, b"slow down"), (503, WEB_PAGE)],
    ids=["connect timeout", "refused", "no such host", "429", "503"],
)
def test_charge_that_never_got_there_may_be_tried_again(trouble):
    provider, adapter = scripted(trouble)
    with pytest.raises(ProviderDown, match="mollie/main"):
        provider.charge(request())
    assert len(adapter.asked) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        requests.ReadTimeout(),
        CUT_OFF,
        requests.exceptions.ChunkedEncodingError(),
        (500, {"status": 500, "detail": "oops"}),
        (502, WEB_PAGE),
        (201, WEB_PAGE),
        (201, b""),
        (200, b"[]"),
        (201, {"resource": "payment"}),
        (422, {"nothing": "of Mollie"}),
        (409, refusal(409, "Another request with this Idempotency-Key is already being processed.")[1]),
    ],
)
def test_charge_whose_answer_is_lost_or_unreadable_has_an_unknown_outcome(trouble):
    provider, adapter = scripted(trouble)
    with pytest.raises(OutcomeUnknown, match="mollie/main"):
        provider.charge(request())
    assert len(adapter.asked) == 1


@pytest.mark.parametrize(
    "trouble", [requests.ReadTimeout(), CUT_OFF, (500, WEB_PAGE), (200, WEB_PAGE), (200, {})]
)
def test_look_up_without_a_readable_answer_is_down(trouble):
    provider, _ = scripted(trouble)
    with pytest.raises(ProviderDown):
        provider.look_up(reference="tr_WDqYK6vllg", idempotency_key=None)


def test_unknown_status_books_nothing_and_names_it():
    provider, _ = scripted((200, payment(status="paused")))
    with pytest.raises(ProviderDown, match="“paused” of payment tr_WDqYK6vllg"):
        provider.look_up(reference="tr_WDqYK6vllg", idempotency_key=None)
    provider, _ = scripted((200, {"id": "re_1", "status": "lost"}))
    with pytest.raises(ProviderDown, match="“lost” of refund re_1"):
        provider.look_up_refund(reference="re_1", payment_reference="tr_1", idempotency_key=None)
    provider, _ = scripted((200, payment(status="paused")))
    with pytest.raises(ProviderDown, match="“paused”"):
        provider.look_up_page(reference="tr_1", idempotency_key=uuid.uuid4())


# -- refusals of the request -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refusal(422, "No suitable mandates found for customer"), "no_suitable_mandate"),
        (refusal(422, "The mandate is invalid", "mandateId"), "no_suitable_mandate"),
        (refusal(422, "The card was not found"), "no_suitable_mandate"),
        (refusal(410, "The customer is no longer available"), "customer_gone"),
        (refusal(404, "No customer exists with token cst_8wmqcHMN4U."), "customer_gone"),
    ],
)
def test_mandate_that_is_gone_is_a_final_refusal_with_a_code_of_its_own(answer, code):
    provider, _ = scripted(answer)
    asked = request()
    notice = provider.charge(asked)
    assert (notice.status, notice.final, notice.code) == (Status.FAILED, True, code)
    assert notice.reason == answer[1]["detail"]
    assert (notice.reference, notice.idempotency_key) == ("", asked.idempotency_key)


@pytest.mark.parametrize("detail", ["The amount is lower than the minimum", "The currency is not supported"])
def test_amount_that_mollie_does_not_take_is_said_plainly(detail):
    provider, _ = scripted(refusal(422, detail, "amount"))
    with pytest.raises(PermanentFailure, match=rf"does not take €10\.00 \({detail}\)"):
        provider.charge(request())


def test_unknown_currency_is_refused_by_the_stand_in_too(mollie):
    with pytest.raises(PermanentFailure, match="currency is not supported"):
        mollie.charge(request(amount=Money.of("1.500", "KWD")))


def test_webhook_address_that_mollie_cannot_reach_is_a_matter_of_the_settings():
    provider, _ = scripted(refusal(422, "The webhook URL is invalid", "webhookUrl"))
    with pytest.raises(AccountRefused, match="SITE_URL"):
        provider.charge(request(webhook_url="http://localhost/x/"))


@pytest.mark.parametrize("reference", ["", "card-1", "cst_8wmqcHMN4U", "cst_8wmqcHMN4U/", "mdt_1/cst_1"])
def test_method_of_another_provider_is_refused(reference):
    provider, adapter = scripted()
    with pytest.raises(PermanentFailure, match="no payment method of Mollie"):
        provider.charge(request(method_reference=reference))
    assert not adapter.asked


def test_other_refusals_speak_in_mollies_words():
    provider, _ = scripted(refusal(422, "The description is required", "description"))
    with pytest.raises(PermanentFailure, match="The description is required"):
        provider.charge(request())
    provider, _ = scripted(refusal(422, "The payment is not paid"))
    with pytest.raises(PermanentFailure, match="not paid"):
        provider.refund(RefundRequest(uuid.uuid4(), "tr_1", TEN, "", 1))
    provider, _ = scripted()
    with pytest.raises(PermanentFailure, match="no payment of Mollie"):
        provider.refund(RefundRequest(uuid.uuid4(), "pi_1", TEN, "", 1))


# -- secrets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answers",
    [
        [requests.ReadTimeout(f"Bearer {API_KEY}")],
        [REFUSED],
        [(500, WEB_PAGE)],
        [refusal(401, "no")],
        [refusal(422, "The amount is lower than the minimum", "amount")],
        [(201, payment())],
    ],
)
def test_secrets_are_in_no_error_and_no_log(answers, caplog):
    provider, _ = scripted(*answers)
    shown = ""
    with caplog.at_level(logging.DEBUG):
        try:
            shown += repr(provider.charge(request()))
        except Exception as error:
            # What an error page would show: the whole chain, with the variables of every frame but this one.
            ours = error.with_traceback(error.__traceback__.tb_next)
            whole = traceback.TracebackException.from_exception(ours, capture_locals=True)
            shown += "".join(whole.format()) + repr(error.__context__) + repr(error.__cause__)
    shown += caplog.text
    for secret in (API_KEY, ACCESS_TOKEN, WEBHOOK_SECRET):
        assert secret not in shown


def test_nothing_is_shared_between_accounts_but_the_connections():
    first, second = (
        MollieProvider(account_with(None, secrets={"API_KEY": key})) for key in ("test_1", "test_2")
    )
    one, other = first._api(), second._api()
    assert one._client is other._client
    assert (one.api_key, other.api_key) == ("test_1", "test_2")
    assert "Authorization" not in one._client.headers
    asked = one._client.prepare_request(requests.Request("GET", "https://api.mollie.com/v2/payments"))
    answered = Message()
    answered["Set-Cookie"] = "session=of-the-first; Domain=api.mollie.com; Path=/"
    raw = SimpleNamespace(_original_response=SimpleNamespace(msg=answered))
    extract_cookies_to_jar(jar := requests.Session().cookies, asked, raw)
    extract_cookies_to_jar(one._client.cookies, asked, raw)
    assert (len(jar), len(one._client.cookies)) == (1, 0)


def test_every_request_waits_for_its_turn(monkeypatch):
    waited = []
    monkeypatch.setattr("cms_billing.payments.providers.mollie.client.wait", waited.append)
    provider, _ = scripted(listing("payments"), (200, payment()))
    provider.look_up(reference="", idempotency_key=uuid.uuid4(), method_reference="cst_8wmqcHMN4U/mdt_1")
    provider.look_up(reference="tr_WDqYK6vllg", idempotency_key=None)
    assert len(waited) == 2
