"""Where an address leads to: followed on this very site only, and never to a login."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse

from .clients import Answer, Client, Probe
from .visitors import Visitor

STEPS = 3
STATUSES = (301, 302, 303, 307, 308)


def followed(client: Client, probe: Probe, visitor: Visitor, answer: Answer) -> tuple[Probe, Answer]:
    """The last address and its answer. Other ways of asking for a page lead to the page, which is asked for anyway."""
    if probe.method != "GET" or (probe.variant and probe.page_id):
        return probe, answer
    for _step in range(STEPS):
        target = target_of(probe, answer)
        if not target or not _is_here(client, probe, target) or is_login(target):
            break
        probe = replace(probe, url=target, url_for=None)
        answer = client.ask(probe, visitor)
    return probe, answer


def gives_a_file_away(client: Client, probe: Probe, answer: Answer) -> bool:
    """Does the redirect lead to where no paywall is: to public files, or to a storage elsewhere?"""
    target = target_of(probe, answer)
    if not target or is_login(target):
        return False
    media = urlsplit(settings.MEDIA_URL)
    parts = urlsplit(target)
    public = bool(media.path.strip("/")) and parts.path.startswith(media.path)
    return public or not _is_here(client, probe, target)


def target_of(probe: Probe, answer: Answer) -> str:
    location = answer.headers.get("Location", "") if answer.status in STATUSES else ""
    try:
        return urljoin(probe.url, location).partition("#")[0] if location else ""
    except ValueError:
        return ""


def _is_here(client: Client, probe: Probe, target: str) -> bool:
    return client.is_own(target) or urlsplit(target).netloc == urlsplit(probe.url).netloc


def is_login(target: str) -> bool:
    parts = urlsplit(target)
    return any(
        parts.path == login.path and login.netloc in ("", parts.netloc) for login in map(urlsplit, _logins())
    )


def _logins() -> list[str]:
    named = [settings.LOGIN_URL, getattr(settings, "WAGTAIL_FRONTEND_LOGIN_URL", None)]
    found = [resolve_url(str(name)) for name in named if name]
    for name in ("wagtailadmin_login", "admin:login"):
        try:
            found.append(reverse(name))
        except NoReverseMatch:
            continue
    return found
