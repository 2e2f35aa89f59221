"""Requests a second behind gunicorn: pages with the paywall beside the very same pages of bare Wagtail.

    python benchmarks/paywall_http.py [--seconds 5] [--rounds 5] [--database postgres|sqlite]

Two gunicorns (two workers each) serve one database, one of them without the paywall's middleware and hook. ``wrk``
measures them in turn, so that whatever else the machine does hits both; printed are the medians and their ratio. Aimed
at: at least 0.95. Needs ``wrk`` (apt-get install wrk).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import ROOT, scratch_databases, set_up_django, table

WORKERS, CONNECTIONS = 2, 4


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=5, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rules", type=int, default=1000)
    parser.add_argument("--plans", type=int, default=20)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--listed", type=int, default=20)
    parser.add_argument("--requests", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="postgres")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if not shutil.which("wrk"):
        print("Left out: wrk is not there (apt-get install wrk).")
        return
    set_up_django(database=options.database)
    with scratch_databases("default"):
        from django.db import connection

        from benchmarks.paywall import Site

        site = Site(options)
        cookie = site.member.cookies["sessionid"].value
        closed, open_ = site.address(site.closed), site.address(site.open)
        name = str(connection.settings_dict["NAME"])
        connection.close()
        with ExitStack() as stack:
            guarded = stack.enter_context(served(options.database, name, bare=False))
            bare = stack.enter_context(served(options.database, name, bare=True))
            print(f"{options.rules} rules, {WORKERS} workers, {options.database}")
            rows = []
            for who, given, page in (
                ("guest, open page", "", open_),
                ("guest, closed page (teaser)", "", closed),
                ("member, open page", cookie, open_),
                ("member, closed page (full text)", cookie, closed),
            ):
                rows.append((who, compare((guarded + page, bare + page), given, options)))
            table(rows)


def compare(urls: tuple[str, str], cookie: str, options: Any) -> str:
    """The page with the paywall beside the same without, measured in turn."""
    rates: dict[str, list[float]] = {url: [] for url in urls}
    for url in urls:
        answered(url, cookie)
    for number in range(options.rounds):
        for url in urls if number % 2 else reversed(urls):
            rates[url].append(requests_a_second(url, cookie, options.seconds))
    guarded, bare = (median(rates[url]) for url in urls)
    return f"{guarded:7.1f} a second, bare {bare:7.1f}, ratio {guarded / bare:5.3f}"


def requests_a_second(url: str, cookie: str, seconds: int) -> float:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", url]
    if cookie:
        command[1:1] = ["-H", f"Cookie: sessionid={cookie}"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output:
        sys.exit(f"{url} does not answer with 200:\n{output}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])


@contextmanager
def served(database: str, name: str, *, bare: bool) -> Any:
    """gunicorn on a free port; yields its address."""
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "CMS_BILLING_TEST_DB": database,
        "CMS_BILLING_TEST_DB_NAME": name,
        "CMS_BILLING_BENCH_BARE": "1" if bare else "",
    }
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-w",
        str(WORKERS),
        "-b",
        f"127.0.0.1:{port}",
        "--log-level",
        "error",
    ]
    process = subprocess.Popen([*command, "benchmarks.served:application"], cwd=ROOT, env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        for _try in range(240):
            try:
                answered(f"{address}/", "")
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def answered(url: str, cookie: str) -> None:
    """A few requests, so that every worker has filled its caches."""
    for _request in range(4 * WORKERS):
        with urlopen(
            Request(url, headers={"Cookie": f"sessionid={cookie}"} if cookie else {}), timeout=60
        ) as answer:
            answer.read()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    main()
