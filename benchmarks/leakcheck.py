"""What the leak check costs: memory on a large site, and requests a second beside the test client's.

    python benchmarks/leakcheck.py [--pages 2000 10000] [--requests 2000] [--database sqlite|postgres]

Each size is a process and a database of its own. The check reads all closed pages and then asks for so many addresses
as so many visitors; after that the test client asks for the same addresses, as a guest and as a user without a plan.
Printed are what the process holds (RSS) before, after reading and after the requests, and the requests a second of
both. Aimed at: memory that does not grow with the pages, half of the test client's speed.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from datetime import date
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import memory_mb, peak_memory_mb, scratch_databases, set_up_django, table

WORDS = 300
SECTION = 500
VOCABULARY = [f"{start}{middle}{end}" for start in "bdfgklmnprst" for middle in "aeiou" for end in "lmnrst"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, nargs="+", default=[2000, 10_000])
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if len(options.pages) == 1:
        measure(options.pages[0], options)
        return
    for pages in options.pages:
        command = [sys.executable, __file__, "--pages", str(pages), "--requests", str(options.requests)]
        subprocess.run([*command, "--database", options.database], check=True)


def measure(pages: int, options: argparse.Namespace) -> None:
    set_up_django(database=options.database)
    with scratch_databases("default"):
        fill(pages)
        from cms_billing.paywall.leakcheck.checking import audit_in_process
        from cms_billing.paywall.leakcheck.clients import quiet_site

        audit = audit_in_process(today=date.today())
        asked: list[tuple[Any, Any]] = []
        # The first requests load what every Django process loads once.
        warm_up(audit)
        begin = memory_mb()
        try:
            with quiet_site():
                started = perf_counter()
                leaks = len(list(audit.prepare()))
                reading, read = perf_counter() - started, memory_mb()
                client = audit.ground.client
                ask = client.ask
                client.ask = lambda probe, visitor: (asked.append((probe, visitor)), ask(probe, visitor))[1]
                started = perf_counter()
                halves = []
                for _half in range(2):
                    leaks += run(audit, options.requests // 2)
                    halves.append(memory_mb())
                speed = len(asked) / (perf_counter() - started)
                baseline = plain(asked)
        finally:
            audit.close()
    print(f"{pages} closed pages of {WORDS} words, {audit.total} requests in all, {options.database}")
    table(
        [
            ("memory before", f"{begin:.0f} MB"),
            ("after reading all pages", f"{read:.0f} MB (+{read - begin:.0f}), {reading:.1f} s"),
            (f"after {options.requests // 2} requests", f"{halves[0]:.0f} MB"),
            (f"after {options.requests} requests", f"{halves[1]:.0f} MB"),
            ("at most", f"{peak_memory_mb():.0f} MB"),
            ("requests a second", f"{speed:.0f}"),
            (
                "the same with the test client",
                f"{baseline:.0f}, the check makes {speed / baseline:.2f} times as many",
            ),
            ("findings", str(leaks)),
        ]
    )


def run(audit: Any, requests: int) -> int:
    """So many requests, from where it stopped."""
    found, until = 0, audit.asked + requests
    pairs = islice(audit._pairs(), audit.asked, until)
    for probe, visitor in pairs:
        found += sum(1 for _finding in audit.look(probe, visitor))
        audit.asked += 1
    return found


def warm_up(audit: Any) -> None:
    from cms_billing.paywall.leakcheck.clients import Probe

    for visitor in audit.visitors:
        for url in ("/", "/section-0/", "/section-0/page-1/", "/nothing/"):
            audit.ground.client.ask(Probe("page", url), visitor)


def plain(asked: list[tuple[Any, Any]]) -> float:
    """Requests a second of Django's test client for the same addresses, after the check, in the same process."""
    from django.test import Client

    from cms_billing.testing.factories import UserFactory

    guest, user = Client(), Client()
    user.force_login(UserFactory(), backend="django.contrib.auth.backends.ModelBackend")
    started = perf_counter()
    for probe, visitor in asked:
        client = guest if visitor.is_guest else user
        client.generic(probe.method, probe.url, headers=dict(probe.headers))
    return len(asked) / (perf_counter() - started)


def fill(pages: int) -> None:
    """Sections of 500 pages each, closed to plans of their own; no two pages share a sentence."""
    from django.db import transaction
    from wagtail.models import Page, Site

    from cms_billing.paywall.services import set_rule
    from cms_billing.testing.factories import IssuerFactory, PlanFactory
    from tests.testsite.models import ArticlePage

    drawn = random.Random(7)
    home = Site.objects.get(is_default_site=True).root_page
    plans = [PlanFactory(issuer=IssuerFactory(), name=f"Plan {number}") for number in range(3)]
    with transaction.atomic():
        for number in range(0, pages, SECTION):
            place = number // SECTION
            section = Page.objects.get(pk=home.pk).add_child(
                instance=ArticlePage(title=f"Section {place}", slug=f"section-{place}")
            )
            set_rule(page=section, plans=[plans[place % len(plans)]])
            for page in range(1, min(SECTION, pages - number)):
                text = " ".join(drawn.choices(VOCABULARY, k=WORDS))
                add_last(section, ArticlePage(title=f"Page {page}", slug=f"page-{page}", body=text), page)
            Page.objects.filter(pk=section.pk).update(numchild=min(SECTION, pages - number) - 1)


def add_last(section: Any, page: Any, number: int) -> None:
    """As ``add_child`` would, without asking for the last child each time."""
    page.path = section._get_path(section.path, section.depth + 1, number)
    page.depth, page.url_path = section.depth + 1, f"{section.url_path}{page.slug}/"
    page.live, page.locale_id, page.draft_title = True, section.locale_id, page.title
    page.save_base()


if __name__ == "__main__":
    main()
