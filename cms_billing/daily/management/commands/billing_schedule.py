from typing import Any

from django.core.management.base import BaseCommand

from cms_billing.daily.schedules import ensure_schedules


class Command(BaseCommand):
    help = "Make (or bring up to date) the schedules that start the daily runs and sweep up forgotten work."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, what in ensure_schedules():
            self.stdout.write(f"{name}: {what}")
