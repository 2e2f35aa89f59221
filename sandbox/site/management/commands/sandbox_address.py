"""``sandbox_address``: the demo site takes the address that it is started at, so that its links lead there."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand
from wagtail.models import Site


class Command(BaseCommand):
    help = "Gives the demo site the host and port of SANDBOX_URL."

    def handle(self, **options: Any) -> None:
        address = urlsplit(settings.SITE_URL)
        site = Site.objects.get(is_default_site=True)
        site.hostname = address.hostname or "localhost"
        site.port = address.port or (443 if address.scheme == "https" else 80)
        site.save()
