"""Webhooks: how many one process accepts, beside an empty view, and a backlog worked off by workers that are killed.

    python benchmarks/webhooks.py [--requests 2000] [--backlog 20000] [--workers 3] [--kills 10]
                                  [--database postgres|sqlite]

Accepting goes through the site's whole middleware by WSGI, in one process and thread, with connections that stay open
(``CONN_MAX_AGE``); each request is a signed event of its own that is verified and stored. The empty view answers 200
and does nothing, alternately in the same run. The backlog is worked off by worker processes, some of which are killed
(SIGKILL) and replaced; afterwards each event must be done and each payment settled once.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, sleep, time
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common

SECRET = "whsec_benchmark"
ROUND = 100
# Seconds after which the claim of a killed worker runs out here; 600 on a site.
LEASE = 10


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--backlog", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--database", choices=["postgres", "sqlite"], default="postgres")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    common.set_up_django(database=options.database)
    if options.worker:
        work()
        return
    with common.scratch_databases("default"):
        print(f"{options.database}; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        configure()
        if options.requests:
            accept(options.requests)
        if options.backlog:
            work_off(options)


def configure() -> None:
    from django.conf import settings
    from django.db import connection

    connection.settings_dict["CONN_MAX_AGE"] = 600
    # One line a hint; what is measured is not the terminal.
    logging.getLogger("django-q").setLevel(logging.WARNING)
    settings.CMS_BILLING = {
        **settings.CMS_BILLING,
        "PROVIDERS": {
            **settings.CMS_BILLING["PROVIDERS"],
            "stripe": "cms_billing.payments.providers.stripe.StripeProvider",
        },
        "PROVIDER_ACCOUNTS": {"stripe/main": {"SECRET_KEY": "sk_test_1", "WEBHOOK_SECRET": SECRET}},
        "WORK_LEASE_SECONDS": LEASE,
    }


# Accepting


def accept(count: int) -> None:
    from cms_billing.payments.models import WebhookEvent
    from cms_billing.testing.factories import ProviderAccountFactory

    ProviderAccountFactory(provider="stripe", slug="main")
    handler = site_with_an_empty_view()
    seconds = {"webhooks": 0.0, "empty view": 0.0}
    slowest: list[float] = []
    for start in range(0, count, ROUND):
        bodies = [event(n) for n in range(start, start + ROUND)]
        for body in bodies:
            took = ask(handler, "/bench-empty/", body)
            seconds["empty view"] += took
        for body in bodies:
            took = ask(handler, "/billing/webhooks/stripe/main/", body)
            seconds["webhooks"] += took
            slowest.append(took)
    stored = WebhookEvent.objects.count()
    if stored < count:
        raise SystemExit(f"{count - stored} of {count} webhooks were not stored")
    rates = {name: count / took for name, took in seconds.items()}
    p95 = sorted(slowest)[int(len(slowest) * 0.95)] * 1000
    common.table(
        [
            ("accepted a second, one process", f"{rates['webhooks']:,.0f}"),
            ("empty view a second", f"{rates['empty view']:,.0f}"),
            ("ratio", f"1 : {rates['empty view'] / rates['webhooks']:.1f}"),
            ("a webhook takes", f"{1000 / rates['webhooks']:.1f} ms, p95 {p95:.1f} ms"),
        ]
    )
    WebhookEvent.objects.all().delete()


def site_with_an_empty_view() -> Callable[..., Any]:
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import path
    from django.views.decorators.csrf import csrf_exempt

    from tests import urls

    urls.urlpatterns.insert(0, path("bench-empty/", csrf_exempt(lambda request: HttpResponse())))
    return get_wsgi_application()


def event(number: int) -> bytes:
    """About the size of a real event of a payment."""
    payment = {
        "id": f"pi_{number:024}",
        "object": "payment_intent",
        "amount": 990,
        "currency": "eur",
        "metadata": {"text": "x" * 2500},
    }
    content = {
        "id": f"evt_{number:024}",
        "object": "event",
        "type": "payment_intent.succeeded",
        "livemode": False,
        "data": {"object": payment},
    }
    return json.dumps(content).encode()


def ask(handler: Callable[..., Any], address: str, body: bytes) -> float:
    """Seconds until the answer; it must be 200."""
    import stripe

    signature = stripe.WebhookSignature.generate_signature_header(body.decode(), SECRET, int(time()))
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": address,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_STRIPE_SIGNATURE": signature,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "https",
    }
    answered: list[str] = []
    begin = perf_counter()
    response = handler(environ, lambda status, headers, exc_info=None: answered.append(status))
    b"".join(response)
    response.close()
    took = perf_counter() - begin
    if not answered or not answered[0].startswith("200"):
        raise SystemExit(f"{address} answered {answered}")
    return took


# The backlog


def work_off(options: argparse.Namespace) -> None:
    fill(options.backlog)
    begin = perf_counter()
    killed = drive(options)
    took = perf_counter() - begin
    lost = open_events()
    wrong = unsettled()
    common.table(
        [
            ("backlog", f"{options.backlog:,} events, {options.workers} workers, {killed} of them killed"),
            ("worked off in", f"{took:.0f} s, {options.backlog / took:,.0f} a second"),
            ("events not done", str(lost)),
            ("payments not settled exactly once", str(wrong)),
        ]
    )
    if lost or wrong:
        raise SystemExit("Webhooks were lost or booked twice.")


def fill(count: int) -> None:
    """Payments under way that the provider's books call settled, and an event about each, in any order."""
    from cms_billing.payments.models import Payment, WebhookEvent
    from cms_billing.testing.factories import CustomerFactory
    from cms_billing.testing.models import FakeCharge

    issuer = CustomerFactory().issuer
    customers = CustomerFactory.create_batch(50, issuer=issuer)
    moment = datetime(2026, 3, 31, 12, tzinfo=UTC)
    for start in range(0, count, 2000):
        numbers = range(start, min(start + 2000, count))
        payments = Payment.objects.bulk_create(
            Payment(
                issuer=issuer,
                customer=customers[n % 50],
                provider="fake",
                way="provider",
                amount_minor=990,
                currency="EUR",
                state="pending",
                reference=f"fake_{n}",
                work_state="done",
                created_at=moment,
            )
            for n in numbers
        )
        FakeCharge.objects.bulk_create(
            FakeCharge(
                reference=payment.reference,
                idempotency_key=payment.idempotency_key,
                amount_minor=990,
                currency="EUR",
                status="settled",
            )
            for payment in payments
        )
    order = list(range(count))
    random.Random(4).shuffle(order)
    WebhookEvent.objects.bulk_create(
        (
            WebhookEvent(
                provider="fake", body=b"{}", digest=f"{n:064}", references=[f"fake_{n}"], received_at=moment
            )
            for n in order
        ),
        batch_size=2000,
    )


def drive(options: argparse.Namespace) -> int:
    """Keep so many workers at it until nothing is left; kill one now and then."""
    workers = [start_worker(options) for _each in range(options.workers)]
    chance, killed = random.Random(7), 0
    left, total = open_events(), options.backlog
    while left:
        sleep(0.25)
        left = open_events()
        if killed < options.kills and total - left > (killed + 1) * total / (options.kills + 1):
            victim = chance.choice(workers)
            victim.kill()
            victim.wait()
            killed += 1
        workers = [worker if worker.poll() is None else start_worker(options) for worker in workers]
    for worker in workers:
        worker.kill()
        worker.wait()
    return killed


def start_worker(options: argparse.Namespace) -> subprocess.Popen[bytes]:
    from django.db import connection

    environment = {**os.environ, "CMS_BILLING_TEST_DB_NAME": str(connection.settings_dict["NAME"])}
    command = [sys.executable, __file__, "--worker", "--database", options.database]
    return subprocess.Popen(command, env=environment)


def work() -> None:
    """A worker: as long as anything is left, also what a killed one had claimed."""
    from cms_billing.core import clock, outbox
    from cms_billing.payments.models import WebhookEvent

    configure()
    while open_events():
        outbox.drain(WebhookEvent, now=clock.now())
        sleep(0.5)


def open_events() -> int:
    from cms_billing.payments.models import WebhookEvent

    return WebhookEvent.objects.exclude(work_state="done").count()


def unsettled() -> int:
    from django.db.models import Count, Q, Sum

    from cms_billing.payments.models import Payment

    payments = Payment.objects.annotate(held=Sum("allocations__amount_minor"), times=Count("allocations"))
    return payments.filter(~Q(state="settled") | ~Q(held=990) | ~Q(times=1)).count()


if __name__ == "__main__":
    main()
