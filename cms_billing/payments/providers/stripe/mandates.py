"""SEPA mandates of a payer. A method does not name its mandate: what was set up or paid with it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .client import Api
from .notices import at, id_of


def mandates_of(api: Api, *, customer: str, methods: Iterable[str]) -> Mapping[str, Any]:
    """By method, each asked for its state now."""
    wanted = set(methods)
    found: dict[str, str] = {}
    for method, mandate in _named(api, customer):
        if method in wanted:
            found.setdefault(method, mandate)
        if len(found) == len(wanted):
            break
    return {method: _asked(api, mandate) for method, mandate in found.items()}


def _asked(api: Api, mandate: str) -> Any:
    return api.read(lambda v1: v1.mandates.retrieve(mandate))


def _named(api: Api, customer: str) -> Iterable[tuple[str, str]]:
    """Methods and their mandates, the newest first."""
    params = {"customer": customer, "limit": 100}
    for setup in api.read_all(lambda v1: v1.setup_intents.list(params)):
        if mandate := id_of(at(setup, "mandate")):
            yield id_of(setup.payment_method), mandate
    expanded = {**params, "expand": ["data.latest_charge"]}
    for intent in api.read_all(lambda v1: v1.payment_intents.list(expanded)):
        charge = at(intent, "latest_charge")
        details = at(charge, "payment_method_details")
        of_kind = at(details, at(details, "type") or "")
        if mandate := at(of_kind, "mandate"):
            yield at(charge, "payment_method") or "", mandate
        if generated := id_of(at(of_kind, "generated_sepa_debit")):
            yield generated, id_of(at(of_kind, "generated_sepa_debit_mandate"))
