from __future__ import annotations

from datetime import date

from django import template

from cms_billing.core import clock
from cms_billing.core.conf import billing_settings

register = template.Library()


@register.simple_tag
def moved_today() -> date | None:
    """Today on the site's clock; None where it cannot be moved, so that the banner shows nothing and asks nobody."""
    return clock.today() if billing_settings().time_machine else None
