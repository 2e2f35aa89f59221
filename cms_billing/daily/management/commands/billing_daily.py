from __future__ import annotations

import time
from argparse import ArgumentParser
from collections import Counter
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.core.money import Money
from cms_billing.daily.models import DailyRun, ParkedRow, RunStep
from cms_billing.daily.preview import Planned, preview
from cms_billing.daily.services import check_day, run_daily, start_run
from cms_billing.faktura.models import Issuer


class Command(BaseCommand):
    help = (
        "Make the daily run: book, issue, collect, render, deliver, dun, report. Safe to repeat at any time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--date", type=_day, help="local day to run for, as 2026-11-22; today when not given"
        )
        parser.add_argument("--issuer", help="name of one issuer; all active ones when not given")
        parser.add_argument(
            "--dry-run", action="store_true", help="list what would happen, with amounts; write nothing"
        )
        parser.add_argument(
            "--queue", action="store_true", help="let the workers do it instead of this process"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for issuer in self._issuers(options["issuer"]):
            today = clock.today(issuer)
            day = options["date"] or today
            if options["dry_run"]:
                self._preview(issuer, day)
                continue
            try:
                check_day(day, today=today)
            except BillingError as error:
                raise CommandError(str(error)) from error
            if options["queue"]:
                start_run(issuer=issuer, today=day)
                self.stdout.write(f"{issuer}: the workers have been asked to run {day}.")
            else:
                self._run(issuer, day)

    def _issuers(self, name: str | None) -> list[Issuer]:
        issuers = Issuer.objects.filter(is_active=True)
        if name:
            issuers = issuers.filter(name=name)
        found = list(issuers)
        if not found:
            known = ", ".join(Issuer.objects.filter(is_active=True).values_list("name", flat=True)) or "none"
            raise CommandError(f"There is no active issuer called {name!r}. Active issuers: {known}.")
        return found

    def _run(self, issuer: Issuer, day: date) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"{issuer}, {day}"))
        line = ProgressLine(self)
        run = run_daily(issuer=issuer, today=day, watch=line.show)
        line.end()
        self._summary(run)

    def _summary(self, run: DailyRun) -> None:
        for kind, figures in run.report.get("issued", {}).items():
            amount = Money(figures["gross_minor"], figures["currency"])
            self.stdout.write(f"  issued today: {figures['count']} × {kind}, {amount}")
        for currency, minor in run.report.get("open_minor", {}).items():
            self.stdout.write(f"  open: {Money(minor, currency)}, {run.report['overdue']} documents overdue")
        if not run.report.get("sent", True):
            self.stdout.write(
                self.style.WARNING("  this is a copy of the database: nothing was sent or collected")
            )
        parked = ParkedRow.objects.filter(issuer=run.issuer, resolved_at=None)
        for row in parked[:20]:
            self.stdout.write(self.style.WARNING(f"  parked: {row}"))
        if parked.count() > 20:
            self.stdout.write(self.style.WARNING(f"  … and {parked.count() - 20} more on the to-do list"))

    def _preview(self, issuer: Issuer, day: date) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"{issuer}, {day}: dry run, nothing is written"))
        counts: Counter[str] = Counter()
        sums: dict[tuple[str, str], Money] = {}
        for planned in preview(issuer, today=day):
            self._planned(planned)
            if planned.problem:
                continue
            counts[planned.step] += 1
            if planned.amount is not None:
                key = (planned.step, planned.amount.currency)
                sums[key] = sums.get(key, Money.zero(planned.amount.currency)) + planned.amount
        for step, count in counts.items():
            total = ", ".join(str(amount) for (name, _currency), amount in sums.items() if name == step)
            self.stdout.write(f"  {step}: {count}, {total}" if total else f"  {step}: {count}")

    def _planned(self, planned: Planned) -> None:
        if planned.problem:
            self.stdout.write(
                self.style.WARNING(f"  {planned.step:8} {planned.label}: not done: {planned.problem}")
            )
        else:
            self.stdout.write(f"  {planned.step:8} {planned.label}  {planned.amount or ''}")


class ProgressLine:
    """One line a step; on a terminal it counts while the step works."""

    def __init__(self, command: BaseCommand) -> None:
        self.out, self.step, self.shown_at = command.stdout, "", 0.0

    def show(self, row: RunStep) -> None:
        live = self.out.isatty()
        if row.state == RunStep.State.DONE:
            self.out.write(f"{chr(13) if live else ''}  {self._text(row)}")
        elif live and time.monotonic() - self.shown_at > 0.1:
            self.shown_at = time.monotonic()
            self.out.write(f"\r  {self._text(row)}", ending="")
            self.out.flush()

    def end(self) -> None:
        self.out.flush()

    @staticmethod
    def _text(row: RunStep) -> str:
        failed = f", {row.failed} to try again" if row.failed else ""
        seconds = (
            (row.finished_at - row.started_at).total_seconds() if row.finished_at and row.started_at else 0
        )
        took = f" in {seconds:.1f} s" if seconds else ""
        return f"{row.name:8} {row.done} of {max(row.expected, row.done)}{failed}{took}"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"{text!r} is no day; write it like 2026-11-22") from None
