"""What the stand-ins have to tell, posted to the real endpoint."""

from __future__ import annotations

import random
from collections.abc import Sequence
from importlib import import_module

from django.db.models import F
from django.test import Client
from django.urls import reverse

from ..models import VendorWebhook
from .passing_time import let_time_pass


def tell(
    *,
    vendor: str,
    account: str,
    body: bytes,
    headers: dict[str, str] | None = None,
    about: str = "",
    content_type: str = "application/json",
) -> VendorWebhook:
    """News wait here until ``deliver_vendor_webhooks`` posts them."""
    return VendorWebhook.objects.create(
        vendor=vendor,
        account=account,
        body=body,
        headers=headers or {},
        about=about,
        content_type=content_type,
    )


def deliver_vendor_webhooks(
    *,
    vendor: str = "",
    order: str = "as_made",
    times: int = 1,
    again: bool = False,
    seed: int = 0,
    client: Client | None = None,
) -> list[int]:
    """Post the news not told before, or with ``again`` all of them; returns the answers' status codes.

    ``order`` is ``as_made``, ``reversed`` or ``shuffled``; each is sent ``times`` times.
    """
    let_time_pass()
    waiting = VendorWebhook.objects.all() if again else VendorWebhook.objects.filter(times_sent=0)
    news = list(waiting.filter(vendor=vendor) if vendor else waiting) * times
    return [post_vendor_webhook(webhook, client=client) for webhook in _ordered(news, order=order, seed=seed)]


def post_vendor_webhook(webhook: VendorWebhook, *, client: Client | None = None) -> int:
    """A dialect that signs with each delivery has ``headers_when_sent(webhook)``."""
    dialect = import_module(f"{__package__}.{webhook.vendor}")
    signed = dialect.headers_when_sent(webhook) if hasattr(dialect, "headers_when_sent") else {}
    answer = (client or Client()).post(
        reverse("cms_billing:account_webhook", args=[webhook.vendor, webhook.account]),
        data=bytes(webhook.body),
        content_type=webhook.content_type,
        headers={**webhook.headers, **signed},
    )
    VendorWebhook.objects.filter(pk=webhook.pk).update(times_sent=F("times_sent") + 1)
    return answer.status_code


def _ordered(news: Sequence[VendorWebhook], *, order: str, seed: int) -> Sequence[VendorWebhook]:
    if order == "reversed":
        return list(reversed(news))
    if order == "shuffled":
        return random.Random(seed).sample(list(news), len(news))
    return news
