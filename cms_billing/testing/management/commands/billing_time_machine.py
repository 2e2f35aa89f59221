"""``manage.py billing_time_machine --days N``: the clock goes forward, and each day's run is really made."""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.testing.timemachine import check_journey, live_through, next_due_date


class Command(BaseCommand):
    help = (
        "Move the clock of this site forward, day by day, and make the real daily run on each of them. "
        "Only where CMS_BILLING['TIME_MACHINE'] is true; there is no way back."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--days", type=int, help="how many days")
        where.add_argument("--to", type=date.fromisoformat, help="the day to go to, YYYY-MM-DD")
        where.add_argument("--next-due", action="store_true", help="the next day a contract falls due")

    def handle(self, *args: Any, **options: Any) -> None:
        today = clock.today()
        until = self._until(options, today)
        try:
            check_journey(until=until, today=today)
            for lived in live_through(until=until):
                self.stdout.write(str(lived))
        except BillingError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.SUCCESS(f"The clock shows {clock.today()}."))

    def _until(self, options: dict[str, Any], today: date) -> date:
        if options["to"]:
            return options["to"]
        if options["next_due"]:
            due = next_due_date(after=today)
            if due is None:
                raise CommandError("No contract has anything more to bill.")
            return due
        try:
            return today + timedelta(days=options["days"])
        except OverflowError as error:
            raise CommandError(f"{options['days']} days are too many.") from error
