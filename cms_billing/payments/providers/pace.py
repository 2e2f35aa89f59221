"""No faster than a provider allows: one bucket of tokens for each account, shared by the threads of a process.

``requests_per_second`` of an account is for one process: with several workers, divide it among them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from .values import Account


class Bucket:
    """Fills with ``rate`` tokens a second, up to a second's worth; each request takes one, if need be in advance."""

    def __init__(self, rate: int, now: float) -> None:
        self.rate = rate
        self._tokens = float(rate)
        self._filled_at = now
        self._lock = Lock()

    def take(self, now: float) -> float:
        """Seconds to wait before the request may be made. Who takes in advance is waited for by those after."""
        with self._lock:
            elapsed = max(0.0, now - self._filled_at)
            self._tokens = min(float(self.rate), self._tokens + elapsed * self.rate) - 1
            self._filled_at = max(now, self._filled_at)
            return max(0.0, -self._tokens / self.rate)


_buckets: dict[tuple[str, str], Bucket] = {}
_buckets_lock = Lock()


def wait(account: Account, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Sleep until the account may be asked again. Call it right before every request, outside any ``try``.

    Raises CopySendsNothing on a copy of the database.
    """
    if account.before_request is not None:
        account.before_request()
    key, now = (account.provider, account.slug), time.monotonic()
    with _buckets_lock:
        bucket = _buckets.get(key)
        if bucket is None or bucket.rate != account.requests_per_second:
            bucket = _buckets[key] = Bucket(account.requests_per_second, now)
    seconds = bucket.take(now)
    if seconds > 0:
        sleep(seconds)
