"""Charge N due documents at a provider that takes 200 ms to answer, beside what the set concurrency would allow.

    python benchmarks/charging.py 10000 [--threads 8] [--latency 0.2] [--also 2,4,16]

One process makes the step "Collect payments" of the daily run: charges are written, claimed, sent and booked. The ideal
is threads / latency, reached where the provider alone were slow. ``--also`` repeats it with other numbers of threads, a
tenth of the documents each.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common
from benchmarks.daily_run import prepare, vacuum

TODAY = date(2026, 1, 15)
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
LATENCY = [0.2]


def main() -> None:
    arguments = parse()
    LATENCY[0] = arguments.latency
    common.set_up_django(database="postgres")
    with common.scratch_databases("default"):
        print(f"{arguments.charges} charges, the provider answers after {arguments.latency * 1000:.0f} ms")
        measure(arguments.charges, threads=arguments.threads)
        for threads in arguments.also:
            measure(max(1, arguments.charges // 10), threads=threads)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("charges", type=int, nargs="?", default=10_000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--latency", type=float, default=LATENCY[0])
    parser.add_argument("--also", type=lambda text: [int(n) for n in text.split(",")], default=[])
    return parser.parse_args()


def slow_provider():
    """The class of a provider that does nothing but take its time; made late, when Django is set up."""
    import uuid

    from cms_billing.payments.providers import Capabilities, Notice, Status

    class Slow:
        code = "slow"
        label = "Slow"
        capabilities = Capabilities(charges=True)

        def charge(self, request):
            time.sleep(LATENCY[0])
            reference = f"slow_{uuid.uuid4().hex}"
            return Notice(reference, Status.SETTLED, idempotency_key=request.idempotency_key)

        def look_up(self, **about):
            return None

    return Slow


def measure(count: int, *, threads: int) -> None:
    from django.conf import settings

    from cms_billing.core import clock
    from cms_billing.daily.steps import Collect
    from cms_billing.payments.models import Payment

    issuer = due_documents(count)
    globals()["Slow"] = slow_provider()
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "PROVIDERS": {"slow": "benchmarks.charging.Slow"},
        "CHARGE_CONCURRENCY": threads,
    }
    with clock.frozen(NOON), common.stopwatch() as took:
        Collect().run(issuer, TODAY, park=tell_problems, progress=lambda done, failed: None)
    charged = Payment.objects.filter(issuer=issuer, state="settled").count()
    assert charged == count, f"{charged} of {count} charges are settled"
    rate, ideal = count / took[0], threads / LATENCY[0]
    print(
        f"  {threads:>3} threads: {count} in {took[0]:.1f} s, {rate:.1f} a second "
        f"of {ideal:.1f} that the concurrency allows, ratio {rate / ideal:.2f}"
    )


def tell_problems(problems) -> None:
    """Nothing but what went wrong."""
    for problem in problems:
        print(f"    {problem}")


def due_documents(count: int):
    """An issuer with as many open documents that are due, each of a customer with a stored method."""
    from cms_billing.core import clock
    from cms_billing.daily.steps import Book, Issue
    from cms_billing.faktura.models import OpenItem
    from cms_billing.payments.models import PaymentMethod

    issuer = prepare(count)
    with clock.frozen(NOON):
        for step in (Book(), Issue()):
            step.run(issuer, TODAY, park=tell_problems, progress=lambda done, failed: None)
    items = OpenItem.objects.filter(issuer=issuer)
    items.update(due_on=TODAY)
    assert items.count() == count, f"{items.count()} of {count} documents were made"
    PaymentMethod.objects.bulk_create(
        [
            PaymentMethod(customer_id=pk, provider="slow", reference=f"card-{pk}")
            for pk in items.values_list("customer_id", flat=True)
        ],
        batch_size=2000,
    )
    vacuum()
    return issuer


if __name__ == "__main__":
    # The provider is named by its module, which is this one.
    sys.modules["benchmarks.charging"] = sys.modules["__main__"]
    main()
