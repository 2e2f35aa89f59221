"""Who may have a document or an image: the decision of its collection's rule, and the answer to who may not."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from wagtail.documents import get_document_model
from wagtail.permissions import policy_registry

from cms_billing.core.private_files import for_one_person

from .. import gate, rule_gate, texts, views
from ..rule_map import RulesUnreadable, current_rules
from ..rules import RULES_UNREADABLE, Decision, Reason, Rule
from . import by_page


def access(request: HttpRequest, file: Any) -> Decision:
    """The decision for a document or image in this request, worked out once. Never raises."""
    known: dict[Any, Decision] = gate.decisions(request)
    key = f"{type(file).__name__} {file.pk}"
    if key not in known:
        decision = rule_gate.access_by_rule(
            request, key, partial(rule_of, file), is_editor=partial(may_handle, request, file)
        )
        known[key] = _or_by_page(request, file, decision)
    return known[key]


def _or_by_page(request: HttpRequest, file: Any, decision: Decision) -> Decision:
    """Whom the collection's rule refuses may be reading a page that shows the file."""
    if decision.granted or decision.rule is None or gate.stand_in_of(request):
        return decision
    try:
        return by_page.decision_by_page(request, file, decision.rule) or decision
    except RulesUnreadable:
        return RULES_UNREADABLE


def rule_of(file: Any) -> Rule | None:
    return current_rules().collections.get(file.collection_id)


def may_handle(request: HttpRequest, file: Any) -> bool:
    return user_may_handle(request.user, file)


def user_may_handle(user: Any, file: Any) -> bool:
    """Editors see what they may change or put into their pages, in the admin's lists too."""
    policy = policy_registry.get_by_type(type(file))
    return bool(policy.user_has_any_permission_for_instance(user, ["change", "choose"], file))


def refuse(request: HttpRequest, file: Any, decision: Decision) -> HttpResponseBase:
    """A page for who opens a document; a few words in place of an image, which no page could show."""
    if decision.reason is Reason.RULES_UNREADABLE:
        return _marked(views.unreadable(request))
    if not isinstance(file, get_document_model()) or rule_gate.wants_json(request):
        return in_words(decision)
    if decision.reason is Reason.NO_LOGIN and (login := views.login_url(request)):
        return _marked(redirect(login))
    return rule_gate.refuse(request, decision, title=file.title)


def in_words(decision: Decision) -> HttpResponse:
    """The sentence alone, with the status that fits."""
    text = texts.sentence(decision)
    status = rule_gate.status_of(decision)
    return _marked(HttpResponse(text, status=status, content_type="text/plain; charset=utf-8"))


def _marked(response: Any) -> Any:
    setattr(response, gate._REFUSED, True)
    return for_one_person(response)
