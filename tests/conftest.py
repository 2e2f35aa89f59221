from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from hypothesis.database import DirectoryBasedExampleDatabase

from tests import database

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


# A slow machine is not a bug. Developers' runs look for something new each time, and try what once failed first; CI
# judges a change by the same examples each time.
hypothesis.settings.register_profile(
    "cms_billing",
    deadline=None,
    database=DirectoryBasedExampleDatabase(ROOT / ".cache" / "hypothesis"),
)
hypothesis.settings.register_profile("cms_billing_ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("cms_billing_ci" if os.environ.get("CI") else "cms_billing")


# -- databases ------------------------------------------------------------------------------------------------------


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Make the template before the workers start: they cannot show that somebody has to wait."""
    make_template(config)


def make_template(config: pytest.Config) -> None:
    try:
        database.ready_template(database.backend_in_use(), say=teller(config))
    except database.NoServer as problem:
        pytest.exit(str(problem), returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker, files_of_this_run: Path
) -> Iterator[None]:
    """Each test process works on its own copy of the template; see ``tests/database.py``."""
    from django.conf import settings
    from django.db import connection

    from cms_billing.core import copies

    make_template(request.config)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    run = database.make_run_database(worker, say=teller(request.config))
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        connection.close()
        settings.DATABASES["default"]["NAME"] = run.name
        connection.settings_dict["NAME"] = run.name
        # Commands that a test starts as processes of their own work on the same database.
        patch.setenv("CMS_BILLING_TEST_DB_NAME", run.name)
        restore_instead_of_flush(patch, run)
        # Asked once a process: so all tests count the same queries.
        copies.current_fingerprint()
        yield
        connection.close()
    run.drop()


def restore_instead_of_flush(patch: pytest.MonkeyPatch, run: database.RunDatabase) -> None:
    from django.contrib.contenttypes.models import ContentType
    from django.contrib.sites.models import Site
    from django.core.cache import cache
    from django.db import connections
    from django.test import TransactionTestCase

    def fixture_teardown(self: TransactionTestCase) -> None:
        connections.close_all()
        run.restore()
        ContentType.objects.clear_cache()
        Site.objects.clear_cache()
        cache.clear()

    patch.setattr(TransactionTestCase, "_fixture_teardown", fixture_teardown)


def teller(config: pytest.Config) -> Callable[[str], None]:
    """Speaks to the person at the terminal, also while pytest captures the output."""

    def say(text: str) -> None:
        capture = config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            print(f"\n{text}", file=sys.stderr, flush=True)

    return say


# -- processes ------------------------------------------------------------------------------------------------------


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    if config.getvalue("dist") == "load":
        from tests.distribution import TogetherWhereNeeded

        return TogetherWhereNeeded(config, log)
    return None


# -- addresses ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def resolvers_are_kept() -> Iterator[None]:
    """Also when a test chooses another ROOT_URLCONF: they are found by it, and filling one takes longer than a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.urls.clear_url_caches", lambda: None)
        yield


# -- files ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def files_of_this_run() -> Iterator[Path]:
    from django.conf import settings

    with (
        tempfile.TemporaryDirectory(prefix="cms_billing_test_") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("CMS_BILLING_TEST_FILES", folder)
        move_files(settings, Path(folder))
        yield Path(folder)


def move_files(settings, folder: Path) -> None:
    """Before any storage has been used: storages remember where they are."""
    settings.MEDIA_ROOT = str(folder / "media")
    settings.STORAGES["cms_billing_archive"]["OPTIONS"]["location"] = str(folder / "archive")


# -- markers --------------------------------------------------------------------------------------------------------


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    skips = {marker: reason for marker, reason in reasons_to_skip().items() if reason}
    for item in items:
        for marker, reason in skips.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def reasons_to_skip() -> dict[str, str | None]:
    return {
        "postgres": (
            None
            if os.environ.get("CMS_BILLING_TEST_DB") == "postgres"
            else "needs PostgreSQL: make test-postgres"
        ),
        "browser": None
        if any(map(shutil.which, CHROMIUM_NAMES))
        else "needs Chromium: apt-get install chromium",
        "redis": None if redis_answers() else "needs a Redis server (REDIS_URL, or one on 127.0.0.1:6379)",
    }


def redis_url() -> str:
    return os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")


def redis_answers() -> bool:
    try:
        import redis
    except ImportError:
        return False
    try:
        return redis.Redis.from_url(redis_url(), socket_connect_timeout=0.3).ping()
    except redis.RedisError:
        return False


# -- tools ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def manage() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a management command as a process of its own on the run's database: ``manage("billing_daily")``.

    Its process sees only what has been committed, so the test needs ``transactional_db``.
    """

    def run(*arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command_line(*arguments),
            env=command_environment(**environment),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=check,
        )

    return run


@pytest.fixture
def start_command() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Like ``manage``, but does not wait: for tests that kill a command, or run two at once."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command_line(*arguments),
            env=command_environment(**environment),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def command_line(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "django", *arguments]


def command_environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT), **changes}
