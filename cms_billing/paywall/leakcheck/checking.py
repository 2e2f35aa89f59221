"""A check of this very site, as the command and the admin start it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from wagtail.models import Page, Site

from ..rule_map import current_rules
from .audit import Audit
from .clients import InProcess
from .doors import Door, registered_doors
from .ground import Ground, host_of
from .visitors import visitors_for


def audit_in_process(
    *,
    today: date,
    pages: int | None = None,
    section: Page | None = None,
    doors: Sequence[Door] | None = None,
) -> Audit:
    site = Site.objects.filter(is_default_site=True).first() or Site.objects.first()
    client = InProcess(host=host_of(site), secure=bool(site and site.port == 443))
    ground = Ground(client, today=today, pages=pages, section=section)
    return Audit(ground, visitors_for(current_rules(), today=today), doors or registered_doors())
