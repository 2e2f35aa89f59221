import os

import pytest
import redis

from cms_billing.testing.pytest_plugin import clock, fake_provider  # noqa: F401  (fixtures)


@pytest.fixture
def redis_url() -> str:
    """A Redis database of its own for this process; skips where no server answers."""
    url = os.environ.get("CMS_BILLING_TEST_REDIS") or f"redis://127.0.0.1:6379/{1 + os.getpid() % 15}"
    server = redis.Redis.from_url(url)
    try:
        server.ping()
    except redis.ConnectionError:
        pytest.skip("No Redis server answers on 127.0.0.1:6379.")
    yield url
    server.flushdb()
