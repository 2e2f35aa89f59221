"""``sandbox_logins``: who can log in, and where."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from sandbox.site.demo.people import SHOWN


class Command(BaseCommand):
    help = "Prints the demo accounts."

    def handle(self, **options: Any) -> None:
        url = settings.SITE_URL
        self.stdout.write(f"\n  Website     {url}/")
        self.stdout.write(f"  Verwaltung  {url}/cms/")
        self.stdout.write(f"  Post        {url}/mails/\n\n")
        for person in SHOWN:
            self.stdout.write(f"  {person.email:<34} {person.name:<18} {person.role}")
        self.stdout.write(f"\n  Passwort für alle: {settings.SANDBOX_PASSWORD}\n")
