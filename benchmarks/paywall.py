"""What the paywall costs: a closed page beside the same page open, for a member and for a guest.

    python benchmarks/paywall.py [--requests 300] [--rules 1000] [--plans 20] [--depth 6] [--database sqlite|postgres]

A closed page beside an open one and beside itself with the paywall taken out (bare Wagtail); requests take turns, so
that whatever else the machine does hits all of them. Printed are the medians, their ratio to bare Wagtail, and the
queries of one request. Aimed at: at most 1.05, one query more for members and none for guests.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import PAYWALL, paywall_off, scratch_databases, set_up_django, table

BARE = "bare Wagtail"
WARMING_UP = 5
BODY = "Strings hold their tuning longer when they are stretched by hand first. " * 120


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--rules", type=int, default=1000)
    parser.add_argument("--plans", type=int, default=20)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--listed", type=int, default=200, help="pages in the listing")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    set_up_django(database=options.database)
    with scratch_databases("default"):
        site = Site(options)
        print(
            f"{options.rules} rules, {options.plans} plans, page at depth {options.depth}, {options.database}, "
            f"{options.requests} requests each"
        )
        rows = []
        for who, client in (("member", site.member), ("guest", site.guest)):
            rows += site.compare(who, client, site.closed)
            rows += site.compare(f"{who}, rule with all terms", client, site.refined)
        rows += site.listing()
        table(rows)


class Site:
    """The twin sections, their rules, a member with one contract, and many rules and contracts around them."""

    def __init__(self, options: argparse.Namespace) -> None:
        from django.test import Client
        from wagtail.models import Site as WagtailSite

        from cms_billing.paywall.services import set_rule
        from cms_billing.testing.factories import IssuerFactory, PlanFactory

        self.options = options
        self.today = date.today()
        home = WagtailSite.objects.get(is_default_site=True).root_page
        issuer = IssuerFactory()
        self.plans = [PlanFactory(issuer=issuer, name=f"Plan {n}") for n in range(options.plans)]
        self.closed = self.chain(home, "closed")
        self.refined = self.chain(home, "refined")
        self.open = self.chain(home, "open")
        set_rule(page=self.closed[0], plans=self.plans[:3])
        set_rule(page=self.refined[0], plans=self.plans[:3], terms=self.all_terms())
        self.other_rules(home)
        self.list_in(self.closed[0])
        self.guest = Client()
        self.member = Client()
        self.user = self.reader(issuer)
        self.member.force_login(self.user, backend="django.contrib.auth.backends.ModelBackend")

    def all_terms(self) -> Any:
        """Everything a rule can say, with the page closed all the same."""
        from cms_billing.paywall.terms import RuleTerms

        return RuleTerms(
            closes_at=2,
            free_until=self.today - timedelta(days=30),
            free_from=self.today + timedelta(days=30),
            quota=3,
            gifts=3,
            opens_after_days=7,
        )

    def chain(self, home: Any, slug: str) -> list[Any]:
        """A section and the pages below it, one in the other, down to ``--depth``; home is at depth 2."""
        from wagtail.models import Page

        from tests.testsite.models import ArticlePage

        pages, parent = [], Page.objects.get(pk=home.pk)
        for depth in range(3, self.options.depth + 1):
            page = ArticlePage(
                title="Strings", slug=slug if depth == 3 else "strings", teaser=BODY[:300], body=BODY
            )
            pages.append(parent.add_child(instance=page))
            parent = page
        return pages

    def other_rules(self, home: Any) -> None:
        from wagtail.models import Page

        from cms_billing.paywall.models import AccessRule
        from tests.testsite.models import ArticlePage

        parent = Page.objects.get(pk=home.pk).add_child(instance=ArticlePage(title="Others", slug="others"))
        for number in range(self.options.rules - 1):
            page = parent.add_child(instance=ArticlePage(title=f"Other {number}", slug=f"other-{number}"))
            terms = {"closes_at": number % 4, "quota": number % 3} if number % 2 else {}
            rule = AccessRule.objects.create(page=page, **terms)
            rule.plans.add(self.plans[number % len(self.plans)])
            rule.save()

    def list_in(self, section: Any) -> None:
        from wagtail.models import Page

        from tests.testsite.models import ArticlePage

        parent = Page.objects.get(pk=section.pk)
        for number in range(self.options.listed):
            parent.add_child(instance=ArticlePage(title=f"Listed {number}", slug=f"listed-{number}"))

    def reader(self, issuer: Any) -> Any:
        from cms_billing.memberships.services import book_next_due
        from cms_billing.testing.factories import CustomerFactory, UserFactory, signed_contract

        user = UserFactory()
        start = self.today - timedelta(days=100)
        signed_contract(
            plan=self.plans[0],
            customer=CustomerFactory(issuer=issuer, user=user),
            start=start,
            today=self.today,
        )
        for _ in range(200):
            signed_contract(plan=self.plans[1], customer=CustomerFactory(issuer=issuer), start=start)
        book_next_due(issuer=issuer, today=self.today)
        return user

    def compare(self, who: str, client: Any, pages: list[Any]) -> list[tuple[str, str]]:
        """The closed page, an open one, and the closed page's twin of bare Wagtail, asked for in turn."""
        bare = bare_client(client)
        closed, open_ = self.address(pages), self.address(self.open)
        ways: dict[str, Callable[[], Any]] = {
            BARE: lambda: bare.get(closed),
            "page open": lambda: client.get(open_),
            "page closed": lambda: client.get(closed),
        }
        taken: dict[str, list[float]] = {name: [] for name in ways}
        queries: dict[str, int] = {}
        for number in range(self.options.requests + WARMING_UP):
            for name in ways if number % 2 else reversed(ways):
                with paywall_off() if name == BARE else nullcontext():
                    begin = perf_counter()
                    ways[name]()
                    taken[name].append(perf_counter() - begin)
                    if number == WARMING_UP:
                        queries[name] = queries_of(ways[name])
        ms = {name: median(times[WARMING_UP:]) * 1000 for name, times in taken.items()}
        return [
            (f"{who}, {name}", f"{ms[name]:6.2f} ms   {queries[name]} queries   {ms[name] / ms[BARE]:5.3f}")
            for name in ways
        ]

    def address(self, pages: list[Any]) -> str:
        return pages[-1].get_url()

    def listing(self) -> list[tuple[str, str]]:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext
        from wagtail.models import Page

        from cms_billing.paywall.selectors import visible_to

        pages = Page.objects.child_of(self.closed[0])
        rows, taken = [], {}
        for name, listed in (
            ("listing", lambda: pages),
            ("listing for the member", lambda: visible_to(pages, self.user, today=self.today)),
        ):
            times = []
            for _ in range(30):
                begin = perf_counter()
                found = len(listed().all())
                times.append(perf_counter() - begin)
            taken[name] = median(times) * 1000
            with CaptureQueriesContext(connection) as captured:
                len(listed().all())
            rows.append((f"{name}, {found} pages", f"{taken[name]:6.2f} ms   {len(captured)} queries"))
        return rows


def queries_of(ask: Callable[[], Any]) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        ask()
    return len(captured)


def bare_client(client: Any) -> Any:
    """The same visitor at a site without the paywall's middleware."""
    from django.conf import settings
    from django.test import Client, override_settings

    bare = Client()
    bare.cookies = client.cookies
    with override_settings(MIDDLEWARE=[name for name in settings.MIDDLEWARE if name != PAYWALL]):
        bare.handler.load_middleware()
    return bare


if __name__ == "__main__":
    main()
