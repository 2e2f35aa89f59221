"""The tests' settings plus the sandbox's two apps, for ``pytest --ds=tests.sandbox.settings tests/sandbox``."""

from tests.settings import *  # noqa: F403

SANDBOX_APPS = ["sandbox.site", "sandbox.mails"]
INSTALLED_APPS = [*SANDBOX_APPS, *(app for app in INSTALLED_APPS if app not in SANDBOX_APPS)]  # noqa: F405
