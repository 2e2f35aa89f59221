"""Beginnings of addresses that ``CMS_BILLING["PAYWALL_PREFIXES"]`` guards, whatever view answers below them.

"PAYWALL_PREFIXES": {"/members/": ["gold", "silver"], "/courses/guitar/": ["guitar"]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from cms_billing.core.conf import billing_settings

from . import rule_gate
from .address_readings import prefix_of
from .plan_codes import rule_of_codes
from .rules import Decision


def prefixes() -> Mapping[str, Sequence[str]]:
    return billing_settings().paywall_prefixes


def decision_by_address(request: HttpRequest) -> Decision | None:
    """None for addresses that no prefix guards. The longest prefix counts, like the nearest rule of a page."""
    guarded = prefixes()
    if not guarded:
        return None
    languages = [code.casefold() for code, _label in settings.LANGUAGES]
    prefix = prefix_of(request.path_info, guarded, languages=languages)
    if prefix is None:
        return None
    find = partial(rule_of_codes, guarded[prefix])
    return rule_gate.access_by_rule(request, ("prefix", prefix), find)


def refusal_by_address(request: HttpRequest) -> HttpResponse | None:
    """The answer to who may not go below a guarded beginning, else None."""
    decision = decision_by_address(request)
    if decision is None or decision.granted:
        return None
    return rule_gate.refuse(request, decision, title=_("For members"))
