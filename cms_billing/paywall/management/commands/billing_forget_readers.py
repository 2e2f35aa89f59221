"""``billing_forget_readers``: delete free reads and gift links of the past. Once a day or a week is enough."""

from typing import Any

from django.core.management.base import BaseCommand

from cms_billing.core import clock
from cms_billing.paywall.sharing.services import forget_old


class Command(BaseCommand):
    help = "Deletes free reads older than last month and gift links that expired a year ago."

    def handle(self, **options: Any) -> None:
        reads, gifts = forget_old(today=clock.today())
        self.stdout.write(f"Free reads: {reads}, gift links: {gifts} deleted.")
