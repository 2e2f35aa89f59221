"""``manage.py import_contracts FILE.csv``: a trial run that names every problem; ``--commit`` to import."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.faktura.models import Issuer
from cms_billing.faktura.services import UserAccounts, create_user_accounts
from cms_billing.memberships.importing import COLUMNS, REQUIRED_COLUMNS
from cms_billing.memberships.services import (
    ImportPlan,
    import_contracts,
    import_good_lines,
    plan_import,
)

LARGEST_FILE = 200_000_000


class Command(BaseCommand):
    help = (
        "Import running customers and contracts from a CSV file. Without --commit it is a trial run: "
        "it writes nothing and lists every problem by its line. "
        f"Columns that must be there: {', '.join(REQUIRED_COLUMNS)}. "
        f"Others: {', '.join(name for name in COLUMNS if name not in REQUIRED_COLUMNS)}."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--issuer", help="short name or id; needed where there are several")
        parser.add_argument(
            "--commit", action="store_true", help="import: every line, or none if one is wrong"
        )
        parser.add_argument(
            "--skip-bad", action="store_true", help="with --commit: import the good lines, leave the others"
        )
        parser.add_argument(
            "--accounts",
            action="store_true",
            help="with --commit: create a user account for every customer of the file who has an e-mail address and "
            "none yet; they set their password with “forgot password”",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        issuer = find_issuer(options["issuer"])
        data = _read(options["file"])
        today = clock.today(issuer)
        try:
            plan = plan_import(issuer=issuer, data=data, today=today)
            self._tell(plan, issuer)
            if not options["commit"]:
                self._close_trial(plan)
                return
            run = import_good_lines if options["skip_bad"] else import_contracts
            done = run(issuer=issuer, data=data, today=today)
            accounts = (
                create_user_accounts(issuer=issuer, customer_ids=done.customer_ids)
                if options["accounts"]
                else None
            )
        except BillingError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            self.style.SUCCESS(
                f"Imported {done.contracts} contracts and {done.customers} new customers; "
                f"{done.known} contracts were there already."
            )
        )
        if accounts is not None:
            self._tell_accounts(accounts)

    def _tell(self, plan: ImportPlan, issuer: Issuer) -> None:
        for problem in plan.problems:
            self.stderr.write(str(problem))
        bad_lines = len({problem.line for problem in plan.problems})
        sums = ", ".join(str(amount) for amount in plan.sums().values()) or "0"
        self.stdout.write(
            f"{issuer}: {len(plan.new)} new contracts over {sums} a period, {len(plan.known)} there already, "
            f"{bad_lines} lines with {len(plan.problems)} problems."
        )

    def _tell_accounts(self, accounts: UserAccounts) -> None:
        for taken in accounts.taken:
            self.stderr.write(str(taken))
        self.stdout.write(
            f"Created {accounts.created} user accounts; {len(accounts.taken)} addresses belong to an account already."
        )

    def _close_trial(self, plan: ImportPlan) -> None:
        self.stdout.write("This was a trial run: nothing was written. Add --commit to import.")
        if plan.problems:
            raise CommandError("Mend the lines above, or import the others with --commit --skip-bad.")


def find_issuer(wanted: str | None) -> Issuer:
    """By short name or id; the only one where nothing is said. Raises CommandError that names the choices."""
    issuers = list(Issuer.objects.all())
    if wanted is None and len(issuers) == 1:
        return issuers[0]
    for issuer in issuers:
        if wanted in (issuer.name, str(issuer.pk)):
            return issuer
    names = ", ".join(f"{issuer.pk} “{issuer.name}”" for issuer in issuers) or "none yet"
    said = "Say which issuer with --issuer." if wanted is None else f"There is no issuer “{wanted}”."
    raise CommandError(f"{said} Issuers: {names}.")


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise CommandError(f"{path} is larger than {LARGEST_FILE // 1_000_000} MB. Split it.")
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
