"""The site that ``paywall_http.py`` serves with gunicorn, on the database named in CMS_BILLING_TEST_DB_NAME.

CMS_BILLING_BENCH_BARE=1 takes the paywall out of every request: no middleware, no hook around pages.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application

PAYWALL = "cms_billing.paywall.middleware.PaywallMiddleware"


def without_paywall() -> None:
    """Bare Wagtail: what stands in the way of each request goes; the apps stay, for the pages are the same."""
    from wagtail import hooks

    from cms_billing.paywall.wagtail_hooks import guard

    hooks.get_hooks("on_serve_page")
    hooks._hooks["on_serve_page"] = [
        entry for entry in hooks._hooks["on_serve_page"] if entry[0] is not guard
    ]


# Connections are kept and sessions checked as on a site that is served.
settings.DATABASES["default"]["CONN_MAX_AGE"] = None
bare = bool(os.environ.get("CMS_BILLING_BENCH_BARE"))
if bare:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != PAYWALL]
application = get_wsgi_application()
if bare:
    without_paywall()
