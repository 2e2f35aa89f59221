"""Stripe's own parameter types, made strict: what the pinned version does not list, or types otherwise, is an error.

``stripe.params`` has a TypedDict for each call, with ``str`` beside every list of words, so that future words pass a
type checker. Here they do not pass, and unknown keys do not either.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from functools import cache
from typing import Any, Literal, Union

import pydantic
import stripe
import typing_extensions
from stripe import params as stripe_params
from stripe._request_options import RequestOptions

STRICT = pydantic.ConfigDict(extra="forbid", strict=True)
# Annotation of a service's parameter: Optional["PaymentIntentCreateParams"]
_NAMED = re.compile(r"(\w+Params)\b")


def check(service: Any, method: str, params: Any) -> None:
    """Raises pydantic.ValidationError for parameters that Stripe's types do not allow."""
    name = params_type_of(type(service), method)
    adapter_of(name).validate_python(dict(params or {}))


def params_type_of(service: type, method: str) -> str:
    """Such as "checkout._session_create_params.SessionCreateParams"."""
    annotation = str(inspect.signature(getattr(service, method)).parameters["params"].annotation)
    found = _NAMED.search(annotation)
    assert found, f"{service.__name__}.{method} names no parameters: {annotation}"
    source = inspect.getsource(inspect.getmodule(service))
    imported = re.search(rf"from stripe\.params\.(\S+) import \(?\s*{found[1]}\b", source)
    assert imported, f"{found[1]} comes from nowhere"
    return f"{imported[1]}.{found[1]}"


@cache
def adapter_of(name: str) -> pydantic.TypeAdapter:
    path, _, cls = name.rpartition(".")
    module = __import__(f"{stripe_params.__name__}.{path}", fromlist=[cls])
    return pydantic.TypeAdapter(strict_form(getattr(module, cls)))


@cache
def strict_form(typed_dict: type) -> Any:
    """The same TypedDict without the words' ``str``, closed against other keys, all the way down."""
    module = inspect.getmodule(typed_dict)
    names = {**vars(typing), **vars(typing_extensions), **vars(stripe), **vars(module)}
    # Options (keys, accounts) are given apart from the parameters.
    hints = {
        key: _strict(hint, names)
        for key, hint in typed_dict.__annotations__.items()
        if key not in RequestOptions.__annotations__
    }
    made = typing_extensions.TypedDict(typed_dict.__name__, hints)
    made.__pydantic_config__ = STRICT
    return made


def _resolved(hint: Any, names: dict[str, Any]) -> Any:
    if isinstance(hint, typing.ForwardRef):
        hint = hint.__forward_arg__
    if isinstance(hint, str):
        text = hint.replace("UntypedStripeObject[str]", "Dict[str, str]")
        text = text.replace("UntypedStripeObject[Any]", "Dict[str, Any]")
        # "Literal['a']|str" and "Literal['']|SomeParams": a name may be quoted inside of others.
        return eval(text, names)
    return hint


def _strict(hint: Any, names: dict[str, Any]) -> Any:
    hint = _resolved(hint, names)
    if typing_extensions.is_typeddict(hint):
        return strict_form(hint)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal or not inner:
        return hint
    parts = [_strict(part, names) for part in inner]
    if origin in (Union, types.UnionType):
        if any(typing.get_origin(part) is Literal and part != Literal[""] for part in parts):
            parts = [part for part in parts if part is not str]
        return Union[tuple(parts)]  # noqa: UP007
    if getattr(origin, "__name__", "") == "UntypedStripeObject":
        return dict[str, parts[0]]
    if origin in (typing_extensions.NotRequired, typing.NotRequired):
        return typing_extensions.NotRequired[parts[0]]
    return origin[tuple(parts)]
