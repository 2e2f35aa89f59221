"""Checks that a worker makes: started, worked on in slices, written down."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from wagtail.models import Page

from cms_billing.core import clock, outbox
from cms_billing.core.conf import billing_settings
from cms_billing.core.exceptions import BillingError, NotYet

from ..models import LeakCheckRun
from .audit import Audit
from .checking import audit_in_process
from .clients import quiet_site
from .findings import Finding

# A worker's task ends after some minutes; what is left then is another task.
SLICE_SECONDS = 240
KEPT = 500
# Between two notes of the progress.
NOTE_SECONDS = 2


class CheckUnderWay(BillingError):
    """Two checks at once would only be slower."""

    def __init__(self) -> None:
        super().__init__(_("A leak check is under way already. Wait until it is finished."))


class NextSlice(NotYet):
    """The rest is done by the next task."""

    wait = timedelta(0)


@transaction.atomic
def start_leak_check(
    *, section: Page | None = None, pages: int | None = None, user: Any = None
) -> LeakCheckRun:
    """Ask the workers to check the site. Raises CheckUnderWay."""
    if LeakCheckRun.objects.exclude(work_state__in=["done", "failed"]).exists():
        raise CheckUnderWay
    run = LeakCheckRun.objects.create(section=section, pages=pages, started_by=user)
    outbox.hint(run)
    return run


def work_on_leak_check(run: LeakCheckRun) -> None:
    """The work of the outbox: goes on where the last task ended. Raises NextSlice while something is left."""
    audit = audit_in_process(today=clock.today(), pages=run.pages, section=run.section)
    notes = _Notes(run)
    audit.tell = notes.tell
    try:
        with quiet_site():
            first = run.asked == 0
            for finding in audit.prepare():
                if first:
                    notes.add(finding)
            run.total, run.closed_pages = audit.total, audit.closed
            for finding in audit.run(after=run.asked):
                notes.add(finding)
        notes.write(audit)
    finally:
        audit.close()


class _Notes:
    """What was found and how far it is, written every few seconds."""

    def __init__(self, run: LeakCheckRun) -> None:
        self.run = run
        self.began = self.written = time.monotonic()
        self.seen = {_key(known) for known in run.findings}

    def add(self, finding: Finding) -> None:
        found = finding.as_dict()
        if _key(found) in self.seen:
            return
        self.seen.add(_key(found))
        if finding.is_leak:
            self.run.leaks += 1
        else:
            self.run.warnings += 1
        if len(self.run.findings) < KEPT:
            self.run.findings.append(found)

    def tell(self, audit: Audit) -> None:
        now = time.monotonic()
        if now - self.written >= NOTE_SECONDS:
            self.write(audit)
        if now - self.began >= SLICE_SECONDS and audit.asked < audit.total:
            self.write(audit)
            raise NextSlice

    def write(self, audit: Audit) -> None:
        self.written, self.run.asked = time.monotonic(), audit.asked
        lease = timedelta(seconds=billing_settings().work_lease_seconds)
        LeakCheckRun.objects.filter(pk=self.run.pk).update(
            **{
                name: getattr(self.run, name)
                for name in ("asked", "total", "closed_pages", "leaks", "warnings", "findings")
            },
            claimed_until=clock.now() + lease,
        )


def _key(found: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(found[name] for name in ("kind", "door", "method", "url", "page_id", "place", "field"))
