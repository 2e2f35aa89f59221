"""``manage.py billing_leakcheck``: does text of closed pages come out anywhere?

Exit status 0: no. 1: yes. 2: it could not be checked.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from wagtail.models import Page

from cms_billing.core import clock
from cms_billing.paywall.leakcheck.audit import Audit, told_once
from cms_billing.paywall.leakcheck.checking import audit_in_process, audit_over_http
from cms_billing.paywall.leakcheck.clients import quiet_site
from cms_billing.paywall.leakcheck.doors import registered_doors
from cms_billing.paywall.leakcheck.findings import Finding
from cms_billing.paywall.leakcheck.over_http import TIMEOUT, CannotCheck, is_session_key
from cms_billing.paywall.leakcheck.visitors import Visitor


class CannotStart(CommandError):
    """Nothing is said about leaks; 1 would say that there are some."""

    def __init__(self, text: str) -> None:
        super().__init__(text, returncode=2)


class Command(BaseCommand):
    help = (
        "Asks for every page, list, feed, API and file as a guest, as members of each plan and in arrears, and tells "
        "where text of a closed page came out. Reads only. Exit status 1: something leaks; 2: it could not be checked."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--base-url", help="ask this web server instead of the site in this process")
        parser.add_argument(
            "--session",
            action="append",
            default=[],
            metavar="USER=KEY",
            help="with --base-url: also as this user, by the key of a session of theirs, or USER=@FILE with the key in "
            "a file (repeat)",
        )
        parser.add_argument(
            "--timeout", type=float, default=TIMEOUT, help="with --base-url: seconds to wait for an answer"
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
        try:
            audit = self.audit(options)
        except CannotCheck as error:
            raise CannotStart(str(error)) from error
        found: list[Finding] = []
        began, problem = time.monotonic(), ""
        try:
            with quiet_site():
                # One by one: what was found before the server was gone is told, too.
                for finding in self.shown(audit, options):
                    found.append(finding)  # noqa: PERF402
        except CannotCheck as error:
            problem = str(error)
        finally:
            audit.close()
        self.report(audit, found, seconds=time.monotonic() - began, problem=problem, as_json=options["json"])
        if problem:
            raise CannotStart(problem)
        if any(finding.is_leak or options["strict"] for finding in found):
            sys.exit(1)

    def audit(self, options: dict[str, Any]) -> Audit:
        chosen: dict[str, Any] = {
            "today": clock.today(),
            "pages": options["pages"],
            "section": self.section(options["section"]),
            "doors": self.doors(options["door"]),
        }
        if options["base_url"]:
            sessions = [self.session(text) for text in options["session"]]
            return audit_over_http(
                options["base_url"], sessions=sessions, timeout=options["timeout"], **chosen
            )
        if options["session"]:
            raise CannotStart("--session needs --base-url: in this process visitors are made up.")
        return audit_in_process(**chosen)

    def doors(self, names: list[str]) -> list[Any]:
        known = {door.name: door for door in registered_doors()}
        if unknown := set(names) - set(known):
            raise CannotStart(
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
            raise CannotStart(f"There is no page {given!r}. Give its id or its address, such as /magazine/.")
        return page

    def session(self, text: str) -> Visitor:
        """Messages name the user and never the key."""
        name, _equals, key = text.partition("=")
        if key.startswith("@"):
            key = self.key_in(key[1:])
        user = get_user_model()._default_manager.filter(**{get_user_model().USERNAME_FIELD: name}).first()
        if not key:
            raise CannotStart("--session: give the name of a user, “=” and the key of their session.")
        if user is None:
            raise CannotStart(f"--session: there is no user {name!r}.")
        if not is_session_key(key):
            raise CannotStart(f"--session: what is given for {name!r} cannot be the key of a session.")
        return Visitor(f"user-{user.pk}", name, user=user, cookie=key)

    def key_in(self, path: str) -> str:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CannotStart(f"--session: {path} cannot be read ({type(error).__name__}).") from error

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

    def report(
        self, audit: Audit, found: list[Finding], *, seconds: float, problem: str, as_json: bool
    ) -> None:
        leaks = sum(finding.is_leak for finding in found)
        summary = {
            "closed_pages": audit.closed,
            "visitors": [visitor.label for visitor in audit.visitors],
            "requests": audit.asked,
            "seconds": round(seconds, 1),
            "leaks": leaks,
            "warnings": len(found) - leaks,
            "broke_off": problem,
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
