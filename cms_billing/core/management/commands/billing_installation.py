from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, cast

from django.core.management.base import BaseCommand
from django.db.models import Field

from cms_billing.core import clock, copies, outbox
from cms_billing.core.models import Installation
from cms_billing.core.services import confirm_installation


class Command(BaseCommand):
    help = (
        "Show whether this database is the original, which sends mails and charges, or a copy, which sends nothing. "
        "With --confirm it becomes the original: for a site that has moved to another server."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--confirm", action="store_true", help="this is the original: send everything from now on"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["confirm"] and copies.is_copy():
            confirm_installation(fingerprint=copies.current_fingerprint(), now=clock.now(), by="console")
        if copies.is_copy():
            self._show_copy()
        else:
            self._show_original()

    def _show_original(self) -> None:
        row = copies.installation()
        self.stdout.write(self.style.SUCCESS("This is the original: mails, charges and refunds go out."))
        for name in ("site", "place", "database", "server"):
            self.stdout.write(f"  {_label(name)}: {getattr(row, name) or '–'}")
        by = row.confirmed_by or "the first use of the database"
        self.stdout.write(f"  confirmed: {row.confirmed_at:%Y-%m-%d %H:%M} UTC by {by}")

    def _show_copy(self) -> None:
        self.stdout.write(self.style.WARNING("This is a copy: nothing is sent to anybody."))
        for difference in copies.differences_to_original():
            before, now = difference.confirmed or "–", difference.found or "–"
            self.stdout.write(f"  {_label(difference.field)}: {now}; of the original: {before}")
        for model, count in outbox.waiting().items():
            self.stdout.write(f"  waiting: {count} × {model._meta.verbose_name}")
        self.stdout.write("If the original has moved here for good: manage.py billing_installation --confirm")


def _label(field: str) -> str:
    return str(cast(Field, Installation._meta.get_field(field)).verbose_name)
