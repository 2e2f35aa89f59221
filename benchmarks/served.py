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

from benchmarks.common import PAYWALL, paywall_off

# Connections are kept and sessions checked as on a site that is served.
settings.DATABASES["default"]["CONN_MAX_AGE"] = None
bare = bool(os.environ.get("CMS_BILLING_BENCH_BARE"))
if bare:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != PAYWALL]
application = get_wsgi_application()
if bare:
    paywall_off().__enter__()
