"""The net itself: what it lets through and what it catches. The calls of all other tests here go through it."""

import pydantic
import pytest

from .params import adapter_of

CREATE = "_payment_intent_create_params.PaymentIntentCreateParams"
SESSION = "checkout._session_create_params.SessionCreateParams"
GOOD = {"amount": 1000, "currency": "eur", "off_session": True, "confirm": True, "metadata": {"key": "1"}}


def test_good_parameters_pass():
    adapter_of(CREATE).validate_python(GOOD)


@pytest.mark.parametrize(
    "wrong",
    [
        {"payment_method_types": ["card"]},
        {"amount": "1000"},
        {"amount": 10.0},
        {"off_session": "often"},
        {"setup_future_usage": "sometimes"},
        {"metadata": {"key": 1}},
        {"allowed_payment_method_types": ["cards"]},
    ],
)
def test_wrong_parameters_are_caught(wrong):
    with pytest.raises(pydantic.ValidationError):
        adapter_of(CREATE).validate_python({**GOOD, **wrong})


def test_missing_parameter_is_caught():
    with pytest.raises(pydantic.ValidationError):
        adapter_of(CREATE).validate_python({"amount": 1000})


@pytest.mark.parametrize("price", [{"unit_amount": 10}, {"currency": "eur", "unit_price": 10}])
def test_wrong_parameters_are_caught_inside_of_others(price):
    with pytest.raises(pydantic.ValidationError):
        adapter_of(SESSION).validate_python({"line_items": [{"price_data": price}]})


def test_old_page_mode_is_caught():
    with pytest.raises(pydantic.ValidationError):
        adapter_of(SESSION).validate_python({"ui_mode": "hosted"})
