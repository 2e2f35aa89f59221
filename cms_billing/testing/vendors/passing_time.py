"""What time does to the stand-ins' books: settlements days later, returned debits, disputes."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from cms_billing.core.conf import billing_settings

DIALECTS = ("stripe", "mollie", "adyen")


def let_time_pass() -> None:
    """Each dialect that the site uses does what is due by today; its news wait to be delivered."""
    for vendor in DIALECTS:
        name = f"{__package__}.{vendor}"
        if vendor in billing_settings().providers and find_spec(name) is not None:
            import_module(name).let_time_pass()
