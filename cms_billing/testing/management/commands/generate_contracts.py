"""``manage.py generate_contracts N``: invented customers and contracts for ``import_contracts``."""

from __future__ import annotations

import argparse
import csv
import sys
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cms_billing.core import clock
from cms_billing.testing.people import COLUMNS, DUE_DAYS, contract_lines


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = (
        "Write N invented German customers with running contracts as a CSV file that import_contracts reads. "
        "The same seed and date give the same file. "
        f"Each contract is due once in the {DUE_DAYS} days from --due-from on."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("count", type=int, metavar="N")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--due-from", type=date.fromisoformat, help="YYYY-MM-DD; today where not given")
        parser.add_argument("--out", type=Path, help="file to write; standard output where not given")

    def handle(self, *args: Any, **options: Any) -> None:
        count, out = options["count"], options["out"]
        if count < 1:
            raise CommandError("N is the number of contracts: at least 1.")
        lines = contract_lines(count, seed=options["seed"], due_from=options["due_from"] or clock.today())
        if out is None:
            _write(sys.stdout, lines)
            return
        try:
            # With a byte order mark, so that spreadsheets read the umlauts.
            with out.open("w", encoding="utf-8-sig", newline="") as file:
                _write(file, lines)
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"{count} contracts written to {out}.")


def _write(file: Any, lines: Any) -> None:
    writer = csv.DictWriter(file, COLUMNS, delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(lines)
