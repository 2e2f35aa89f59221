"""A check of this site, as the command and the admin start it: in this process, or by asking a web server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from urllib.parse import urlsplit

from wagtail.models import Page, Site

from ..rule_map import current_rules
from .audit import Audit
from .clients import Client, InProcess
from .doors import Door, registered_doors
from .ground import Ground, host_of
from .over_http import CannotCheck, OverHttp
from .visitors import Visitor, visitors_for


def audit_in_process(
    *,
    today: date,
    pages: int | None = None,
    section: Page | None = None,
    doors: Sequence[Door] | None = None,
) -> Audit:
    site = default_site()
    client: Client = InProcess(host=host_of(site), secure=bool(site and site.port == 443))
    ground = Ground(client, today=today, pages=pages, section=section)
    return Audit(ground, visitors_for(current_rules(), today=today), doors or registered_doors())


def audit_over_http(
    base_url: str,
    *,
    today: date,
    sessions: Sequence[Visitor] = (),
    timeout: float,
    pages: int | None = None,
    section: Page | None = None,
    doors: Sequence[Door] | None = None,
) -> Audit:
    """As a guest and as those whose session keys are given. Raises CannotCheck where the server does not play along."""
    client = OverHttp(base_url, stands_for=_host_meant(base_url), timeout=timeout)
    try:
        client.greet(sessions)
    except CannotCheck:
        client.close()
        raise
    ground = Ground(client, today=today, pages=pages, section=section)
    return Audit(ground, [*sessions, ground.guest], doors or registered_doors())


def default_site() -> Site | None:
    return Site.objects.filter(is_default_site=True).first() or Site.objects.first()


def _host_meant(base_url: str) -> str:
    """Which of the site's own hosts the server stands for: the one of its name, else that of the default site."""
    host = urlsplit(base_url).netloc.rpartition("@")[2]
    return host if host in map(host_of, Site.objects.all()) else host_of(default_site())
