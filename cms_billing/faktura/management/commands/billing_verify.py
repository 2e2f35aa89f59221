from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cms_billing.faktura import verification
from cms_billing.faktura.models import ArchiveRecord, Issuer

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Verify what is stored: the archive's chain and every file in it, numbers, sums and open items. "
        "Exits with 1 and names the first bad record when something is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--issuer", help="short name or id; all issuers when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        bad = 0
        for issuer in self._issuers(options["issuer"]):
            self.stdout.write(self.style.MIGRATE_HEADING(issuer.name))
            for name, findings in verification.all_findings().items():
                bad += self._report(name, findings(issuer))
            bad += self._report("archive", verification.archive_findings(issuer, each=self._progress(issuer)))
        if bad:
            raise CommandError(f"{bad} findings. Nothing has been changed.", returncode=1)
        self.stdout.write(self.style.SUCCESS("Everything is as it was issued."))

    def _issuers(self, wanted: str | None) -> list[Issuer]:
        if wanted is None:
            return list(Issuer.objects.all())
        found = Issuer.objects.filter(pk=wanted) if wanted.isdigit() else Issuer.objects.filter(name=wanted)
        if not found:
            raise CommandError(
                f"There is no issuer “{wanted}”. Known: {', '.join(map(str, Issuer.objects.all()))}."
            )
        return list(found)

    def _report(self, name: str, findings: Iterator[str]) -> int:
        count = 0
        for count, finding in enumerate(findings, start=1):
            if count <= SHOWN:
                self.stdout.write(self.style.ERROR(f"  {finding}"))
        if count > SHOWN:
            self.stdout.write(self.style.ERROR(f"  … and {count - SHOWN} more"))
        if not count:
            self.stdout.write(f"  {name}: good")
        return count

    def _progress(self, issuer: Issuer) -> Callable[[], None]:
        total = ArchiveRecord.objects.filter(issuer=issuer).count()
        seen = 0

        def tell() -> None:
            nonlocal seen
            seen += 1
            if sys.stderr.isatty() and (seen % 100 == 0 or seen == total):
                self.stderr.write(f"\r  archive: {seen} of {total}", ending="" if seen < total else "\n")

        return tell
