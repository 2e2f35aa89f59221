"""The doors of protected files. Each looks up what the address names, asks the gate, and sends the bytes."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from wagtail import hooks
from wagtail.documents import get_document_model
from wagtail.documents.models import document_served
from wagtail.images import get_image_model

from cms_billing.core import clock
from cms_billing.core.file_links import read_link
from cms_billing.core.private_files import for_one_person, private_storage, send

from .. import selectors
from ..rule_map import RulesUnreadable
from ..rules import RULES_UNREADABLE, Decision
from . import gate
from .moving import model_of
from .names import PRIVATE, Kind, is_private, read_name


@require_safe
def private_file(request: HttpRequest, folder: str, file: str) -> HttpResponseBase:
    """What ``.url`` of a protected document, image or rendition leads to."""
    name = read_name(f"{PRIVATE}{folder}/{file}")
    if name is None:
        raise Http404
    if name.kind is Kind.DOCUMENT:
        return _document(request, get_object_or_404(get_document_model(), file=name.name))
    images = get_image_model().objects.select_related("collection")
    if name.kind is Kind.RENDITION:
        return image_answer(request, get_object_or_404(images, pk=name.image_id), name.name)
    return image_answer(request, get_object_or_404(images, file=name.name), name.name)


def _document(request: HttpRequest, document: Any) -> HttpResponseBase:
    """As Wagtail's own door: its view restrictions and the site's hooks come first."""
    for hook in hooks.get_hooks("before_serve_document"):
        answer = None if hook is guard_document else hook(document, request)
        if isinstance(answer, HttpResponse):
            return answer
    decision = gate.access(request, document)
    return _sent_document(request, document) if decision.granted else gate.refuse(request, document, decision)


def guard_document(document: Any, request: HttpRequest) -> HttpResponseBase | None:
    """Wagtail's hook. Its view takes no streams from hooks, so what is private is sent at its own address; None leaves
    to Wagtail what anybody may have."""
    decision = gate.access(request, document)
    if not decision.granted:
        return gate.refuse(request, document, decision)
    return for_one_person(redirect(document.file.url)) if is_private(document.file.name) else None


def _sent_document(request: HttpRequest, document: Any) -> HttpResponseBase:
    document_served.send(sender=type(document), instance=document, request=request)
    return send(
        request,
        storage_of(document.file),
        document.file.name,
        filename=document.filename,
        content_type=document.content_type,
        disposition="inline" if document.content_disposition == "inline" else "attachment",
    )


def image_answer(request: HttpRequest, image: Any, name: str) -> HttpResponseBase:
    """The image or one of its renditions, for whom the rule and Wagtail's privacy of the collection let in."""
    decision = gate.access(request, image)
    if not decision.granted:
        return gate.refuse(request, image, decision)
    for restriction in image.collection.get_view_restrictions():
        if not restriction.accept_request(request):
            return for_one_person(HttpResponse(status=403))
    return send(request, storage_of(image.file, name), name)


@require_safe
def signed_file(request: HttpRequest, token: str, file: str) -> HttpResponseBase:
    """A signed link: it stands for the login of whom it was made for, and they are decided about as ever."""
    link = read_link(token)
    kind, _space, pk = link.file.partition(" ") if link else ("", "", "")
    if link is None or not pk.isdecimal():
        return _no_such_link()
    holder = get_user_model()._default_manager.filter(pk=link.holder, is_active=True).first()
    somebody_else = request.user.is_authenticated and request.user != holder
    if holder is None or somebody_else:
        return _no_such_link()
    found = get_object_or_404(model_of(kind), pk=pk)
    decision = decision_for(found, holder)
    if not decision.granted:
        return gate.in_words(decision)
    return send(request, storage_of(found.file), found.file.name, filename=found.filename)


def decision_for(file: Any, user: Any) -> Decision:
    """For a person, in whatever request."""
    try:
        rule = gate.rule_of(file)
        return selectors.decide_by_rule(
            rule, user, today=clock.today(), is_editor=lambda: gate.user_may_handle(user, file)
        )
    except RulesUnreadable:
        return RULES_UNREADABLE


def _no_such_link() -> HttpResponseBase:
    text = _(
        "This link was made for somebody else, was changed, or has expired. Log in and open the file again."
    )
    return for_one_person(HttpResponse(text, status=403, content_type="text/plain; charset=utf-8"))


def storage_of(file: Any, name: str = "") -> Any:
    """The storage that has the file, not the one that leads to both sides."""
    return private_storage() if is_private(name or file.name) else file.storage
