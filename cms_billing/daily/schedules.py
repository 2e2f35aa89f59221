"""django-q2's schedule rows."""

from __future__ import annotations

from django.apps import apps
from django.db import transaction

# name, function, minutes between two runs, what it is for
SCHEDULES = (
    (
        "cms_billing daily run",
        "cms_billing.daily.tasks.start_due_runs",
        60,
        "starts the daily run of every issuer",
    ),
    ("cms_billing sweep", "cms_billing.core.tasks.sweep", 5, "finds outside work that a lost task forgot"),
    (
        "cms_billing payment pages",
        "cms_billing.payments.tasks.look_up_pages",
        10,
        "asks providers about payment pages nobody came back from",
    ),
    (
        "cms_billing closed files",
        "cms_billing.paywall.files.tasks.settle",
        60,
        "moves files that a changed rule or collection has left behind",
    ),
    (
        "cms_billing readers",
        "cms_billing.paywall.sharing.tasks.forget",
        24 * 60,
        "forgets which free pages and gift links were read long ago",
    ),
)


def schedules() -> list[tuple[str, str, int, str]]:
    """Those of the apps that the site has installed."""
    return [row for row in SCHEDULES if apps.is_installed(".".join(row[1].split(".")[:2]))]


@transaction.atomic
def ensure_schedules() -> list[tuple[str, str]]:
    """Idempotent; an editor's own next_run and repeats stay."""
    from django_q.models import Schedule

    for name, func, minutes, _what in schedules():
        Schedule.objects.update_or_create(
            name=name, defaults={"func": func, "schedule_type": Schedule.MINUTES, "minutes": minutes}
        )
    return [(name, what) for name, _func, _minutes, what in schedules()]
