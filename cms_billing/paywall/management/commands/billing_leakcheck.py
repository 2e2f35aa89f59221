"""``manage.py billing_leakcheck``: does text of closed pages come out anywhere? Exit status 1: yes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from wagtail.models import Page

from cms_billing.core import clock
from cms_billing.paywall.leakcheck.audit import Audit, told_once
from cms_billing.paywall.leakcheck.checking import audit_in_process
from cms_billing.paywall.leakcheck.clients import OverHttp, quiet_site
from cms_billing.paywall.leakcheck.doors import registered_doors
from cms_billing.paywall.leakcheck.findings import Finding
from cms_billing.paywall.leakcheck.ground import Ground
from cms_billing.paywall.leakcheck.visitors import Visitor


class Command(BaseCommand):
    help = (
        "Asks for every page, list, feed, API and file as a guest, as members of each plan and in arrears, and tells "
        "where text of a closed page came out. Reads only. Exit status 1: something leaks."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--base-url", help="ask this web server instead of the site in this process")
        parser.add_argument(
            "--session",
            action="append",
            default=[],
            metavar="USER=KEY",
            help="with --base-url: also as this user, by the key of a session of theirs (repeat)",
        )
        parser.add_argument(
            "--pages", type=int, help="look at so many closed and so many open pages, spread evenly"
        )
        parser.add_argument(
            "--section", help="only this page and what is below it: its id or address, /magazine/"
        )
        parser.add_argument("--door", action="append", default=[], help="only this door (repeat)")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        parser.add_argument(
            "--every-visitor", action="store_true", help="tell the same place for each visitor"
        )
        parser.add_argument("--strict", action="store_true", help="exit status 1 for warnings, too")

    def handle(self, *args: Any, **options: Any) -> None:
        audit = self.audit(options)
        began = time.monotonic()
        try:
            with quiet_site():
                found = list(self.shown(audit, options))
        finally:
            audit.close()
        self.report(audit, found, seconds=time.monotonic() - began, as_json=options["json"])
        if any(finding.is_leak or options["strict"] for finding in found):
            sys.exit(1)

    def audit(self, options: dict[str, Any]) -> Audit:
        today, section = clock.today(), self.section(options["section"])
        doors = self.doors(options["door"])
        if not options["base_url"]:
            if options["session"]:
                raise CommandError("--session needs --base-url: in this process visitors are made up.")
            return audit_in_process(today=today, pages=options["pages"], section=section, doors=doors)
        client = OverHttp(options["base_url"])
        ground = Ground(client, today=today, pages=options["pages"], section=section)
        sessions = [self.session(text) for text in options["session"]]
        return Audit(ground, [*sessions, Visitor("guest", _("guest"))], doors)

    def doors(self, names: list[str]) -> list[Any]:
        known = {door.name: door for door in registered_doors()}
        if unknown := set(names) - set(known):
            raise CommandError(
                f"There is no door {', '.join(sorted(unknown))}. There are: {', '.join(known)}."
            )
        return [known[name] for name in names] or list(known.values())

    def section(self, given: str | None) -> Page | None:
        if not given:
            return None
        if given.isdigit():
            page = Page.objects.filter(pk=int(given)).first()
        else:
            page = Page.objects.filter(url_path__endswith=f"/{given.strip('/')}/").order_by("depth").first()
        if page is None:
            raise CommandError(f"There is no page {given!r}. Give its id or its address, such as /magazine/.")
        return page

    def session(self, text: str) -> Visitor:
        name, _equals, key = text.partition("=")
        user = get_user_model()._default_manager.filter(**{get_user_model().USERNAME_FIELD: name}).first()
        if user is None or not key:
            raise CommandError(
                f"--session {text!r}: give the name of a user, “=” and the key of their session."
            )
        return Visitor(f"user-{user.pk}", name, user=user, cookie=key)

    def shown(self, audit: Audit, options: dict[str, Any]) -> Iterator[Finding]:
        findings = self.watched(audit)
        yield from findings if options["every_visitor"] else told_once(findings)

    def watched(self, audit: Audit) -> Iterator[Finding]:
        """With the progress on a terminal."""
        if self.stderr.isatty():
            audit.tell = self.tell_progress
        yield from audit.prepare()
        yield from audit.run()

    def tell_progress(self, audit: Audit) -> None:
        if audit.asked % 20 == 0 or audit.asked == audit.total:
            self.stderr.write(f"\r{audit.asked} / {audit.total}", ending="")

    def report(self, audit: Audit, found: list[Finding], *, seconds: float, as_json: bool) -> None:
        leaks = sum(finding.is_leak for finding in found)
        summary = {
            "closed_pages": audit.closed,
            "visitors": [visitor.label for visitor in audit.visitors],
            "requests": audit.asked,
            "seconds": round(seconds, 1),
            "leaks": leaks,
            "warnings": len(found) - leaks,
        }
        if as_json:
            data = {**summary, "findings": [finding.as_dict() for finding in found]}
            self.stdout.write(json.dumps(data, indent=2, ensure_ascii=False))
            return
        for door in audit.doors:
            self.tell_door(door.name, [finding for finding in found if finding.door == door.name])
        text = _("%(closed)s closed pages, %(requests)s requests, %(leaks)s leaks, %(warnings)s warnings") % {
            "closed": audit.closed,
            "requests": audit.asked,
            "leaks": leaks,
            "warnings": len(found) - leaks,
        }
        self.stdout.write(self.style.ERROR(text) if leaks else self.style.SUCCESS(text))

    def tell_door(self, name: str, found: list[Finding]) -> None:
        leaks = any(finding.is_leak for finding in found)
        sign = (
            self.style.ERROR("✗") if leaks else self.style.WARNING("!") if found else self.style.SUCCESS("✓")
        )
        self.stdout.write(f"{sign} {name}")
        for finding in found:
            where = " · ".join(filter(None, [finding.page, finding.field, finding.place]))
            style = self.style.ERROR if finding.is_leak else self.style.WARNING
            self.stdout.write(style(f"    {finding.sentence}"))
            self.stdout.write(f"      {finding.method} {finding.url} ({finding.visitor})")
            if where:
                self.stdout.write(f"      {where}")
            if finding.snippet:
                self.stdout.write(f"      “{finding.snippet}”")
