"""Is there anybody who starts the daily run?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connections

from .schedules import schedules


@register(Tags.database)
def schedules_are_made(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    if not databases or "default" not in databases or not apps.is_installed("django_q"):
        return []
    from django_q.models import Schedule

    if Schedule._meta.db_table not in connections["default"].introspection.table_names():
        return []
    names = [name for name, *_rest in schedules()]
    missing = set(names) - set(Schedule.objects.filter(name__in=names).values_list("name", flat=True))
    return [
        Warning(
            f"The schedule “{name}” is missing: nobody {what}.",
            hint="Run `manage.py billing_schedule`; it may be called again at any time.",
            id="cms_billing.W070",
        )
        for name, _function, _minutes, what in schedules()
        if name in missing
    ]
