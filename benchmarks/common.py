"""What the benchmarks share: Django on scratch databases, and honest clocks.

A benchmark prints ratios of figures taken in the same run, on the same machine, and never fails for being slow.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def set_up_django(*, database: str = "postgres") -> None:
    """Settings of the tests, on the database kind asked for; call before importing models."""
    sys.path.insert(0, str(ROOT))
    os.environ["CMS_BILLING_TEST_DB"] = database
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()


@contextmanager
def scratch_databases(*aliases: str) -> Iterator[None]:
    """A fresh migrated database for each alias (``default`` among them), dropped at the end."""
    from django.db import connections

    from tests import database

    kept = []
    original = dict(connections.databases["default"])
    for alias in aliases:
        run = database.make_run_database(f"bench_{alias}", say=lambda text: print(text, file=sys.stderr))
        kept.append(run)
        connections.databases[alias] = {**original, "NAME": run.name}
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = run.name
    try:
        yield
    finally:
        for alias in aliases:
            connections[alias].close()
        for run in kept:
            run.drop()


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """``with stopwatch() as took: …`` leaves the seconds in ``took[0]``."""
    took: list[float] = []
    begin = time.perf_counter()
    yield took
    took.append(time.perf_counter() - begin)


def copy_rows(rows: Any, alias: str, *, chunk: int = 2000) -> None:
    """Write the rows of a queryset into the database of the alias, unmeasured."""
    source = rows.order_by("pk").iterator(chunk)
    while instances := list(islice(source, chunk)):
        rows.model.objects.using(alias).bulk_create(instances)


def values_of(instances: list[Any]) -> list[dict[str, Any]]:
    names = [field.attname for field in type(instances[0])._meta.concrete_fields]
    return [dict(zip(names, [getattr(row, name) for name in names], strict=True)) for row in instances]


def bulk_create_again(querysets: list[Any], alias: str, chunk: int) -> float:
    """Seconds that ``bulk_create`` takes for the very rows of these querysets, in chunks, on the alias' database.

    Reading them is not measured; making the instances is, as it is part of what bulk_create costs.
    """
    from django.db import transaction

    total = 0.0
    for rows in querysets:
        source = rows.order_by("pk").iterator(chunk)
        while instances := list(islice(source, chunk)):
            values = values_of(instances)
            with stopwatch() as took, transaction.atomic(using=alias):
                rows.model.objects.using(alias).bulk_create([rows.model(**row) for row in values])
            total += took[0]
    return total


def peak_memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory_mb() -> float:
    """What the process holds now (RSS)."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 2**20


def table(rows: list[tuple[str, str]]) -> None:
    width = max(len(label) for label, _value in rows)
    for label, value in rows:
        print(f"  {label:<{width}}  {value}")


PAYWALL = "cms_billing.paywall.middleware.PaywallMiddleware"


@contextmanager
def paywall_off() -> Iterator[None]:
    """Inside, Wagtail serves pages without asking the paywall; its middleware is left out by who builds the handler."""
    from wagtail import hooks

    from cms_billing.paywall.wagtail_hooks import guard

    hooks.get_hooks("on_serve_page")
    registered = hooks._hooks["on_serve_page"]
    hooks._hooks["on_serve_page"] = [entry for entry in registered if entry[0] is not guard]
    try:
        yield
    finally:
        hooks._hooks["on_serve_page"] = registered
