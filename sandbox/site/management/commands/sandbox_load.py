"""``sandbox_load``: fill an empty sandbox. Called again, it says so and is done."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from sandbox.site.demo import billing, content, files, learning, people, shop


class Command(BaseCommand):
    help = "Loads the demo content: pages, shop, accounts and some months of billing history."

    def handle(self, **options: Any) -> None:
        started = monotonic()
        today = timezone.localdate()
        done = [
            self.step(
                "Magazin, Kurs und Seiten",
                content.content_is_loaded,
                lambda: content.load_content(today=today),
            ),
            self.step("Shop", shop.shop_is_loaded, shop.load_shop),
            self.step("Konten", people.people_are_loaded, people.load_people),
        ]
        if not billing.billing_is_loaded():
            self.stdout.write("Abrechnung: die Vorgeschichte wird Tag für Tag gerechnet …")
            billing.load_billing(report=self.report)
            done.append(True)
        done.append(
            self.step("Lernen", learning.learning_is_loaded, lambda: learning.load_learning(today=today))
        )
        done.append(self.step("Dateien", files.files_are_loaded, files.load_files))
        if any(done):
            self.stdout.write(self.style.SUCCESS(f"Fertig in {monotonic() - started:.0f} s."))
        else:
            self.stdout.write("Die Demo-Inhalte sind schon da; nichts zu tun.")

    def step(self, name: str, is_loaded: Callable[[], bool], load: Callable[[], None]) -> bool:
        if is_loaded():
            return False
        started = monotonic()
        with transaction.atomic():
            load()
        self.stdout.write(f"{name}: {monotonic() - started:.1f} s")
        return True

    def report(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
