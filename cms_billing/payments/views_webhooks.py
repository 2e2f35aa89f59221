"""Where payment providers call: verify, keep, answer. The work is done later, from the stored row."""

from __future__ import annotations

import logging

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from .providers import UnknownProvider, WebhookRefused
from .services import store_webhook

logger = logging.getLogger(__name__)

# Real webhooks are a few kilobytes.
LARGEST_BODY = 1_000_000


@csrf_exempt
@require_POST
def receive_webhook(request: HttpRequest, provider: str, account: str = "") -> HttpResponse:
    """200 stored, 400 not signed as the provider signs, 404 no such provider or account, 413 too large.

    Answers say no more than that: whoever guesses at signatures learns nothing from them.
    """
    body = _body(request)
    if body is None:
        return HttpResponse(status=413)
    try:
        store_webhook(provider_code=provider, account_slug=account, body=body, headers=request.headers)
    except UnknownProvider:
        return HttpResponse(status=404)
    except WebhookRefused as refusal:
        logger.warning("A webhook for %s was refused: %s", provider, refusal)
        return HttpResponse(status=400)
    return HttpResponse(status=200)


def _body(request: HttpRequest) -> bytes | None:
    """The raw body, or None where it is too large; judged by the announced length before anything is read."""
    try:
        announced = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        return None
    if announced > LARGEST_BODY:
        return None
    try:
        body = request.body
    except RequestDataTooBig:
        return None
    return None if len(body) > LARGEST_BODY else body
