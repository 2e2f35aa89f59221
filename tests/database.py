"""Databases for the tests, copied from a template instead of migrated each time.

Migrating Wagtail and Oscar from nothing takes about a minute, so it is done once for a set of installed versions, and
our own migrations go on top of a copy of that. The result is kept:

    dependencies template   hash of the installed packages               made in about a minute, seldom
    template                + hash of our migrations, triggers, groups   made in seconds, when these change
    the run's database      a copy for each run and xdist worker         made in no time, thrown away

All migrations really run, so Wagtail's initial data (root page, locale, site, groups) are there. After a test that
commits, the run's database is brought back to the template rather than flushed, so that these are not lost: on SQLite
it is copied again, on PostgreSQL, where that takes long, see ``tests/beginnings.py``.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from tests import settings
from tests.beginnings import Beginning

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "test-databases"
KEPT_TEMPLATES = 6
# The third is that of tests/test_installation.py.
KINDS_OF_TEMPLATES = ("template", "dependencies", "installation")

OUR_PACKAGES = ("cms_billing", "sandbox", "tests")


def make_run_database(name: str, *, say: Callable[[str], None]) -> RunDatabase:
    """A fresh database for one test process; ``name`` tells it from those of other processes."""
    backend = backend_in_use()
    template = ready_template(backend, say=say)
    return RunDatabase(backend, template, backend.run_name(name))


def backend_in_use() -> SQLite | PostgreSQL:
    return PostgreSQL() if os.environ.get("CMS_BILLING_TEST_DB") == "postgres" else SQLite()


class NoServer(Exception):
    """Nobody answers where PostgreSQL should be; the text says where that was."""


class RunDatabase:
    def __init__(self, backend: SQLite | PostgreSQL, template: str, name: str) -> None:
        self.backend, self.template, self.name = backend, template, name
        self._copy()

    def restore(self) -> None:
        if not self.beginning or not self.beginning.bring_back():
            self._copy()

    def drop(self) -> None:
        self.backend.drop(self.name)

    def _copy(self) -> None:
        self.backend.copy(self.template, self.name)
        self.beginning = self.backend.beginning_of(self.name)


def ready_template(backend: SQLite | PostgreSQL, *, say: Callable[[str], None]) -> str:
    dependencies = backend.template_name("dependencies", dependencies_hash())
    complete = backend.template_name("template", schema_hash())
    if backend.exists(complete):
        return complete
    with backend.only_one_process_at_a_time():
        if not backend.exists(complete):
            if not backend.exists(dependencies):
                say("Migrating Wagtail and Oscar once for the test template; this takes about a minute …")
                build(backend, dependencies, migrate_dependencies)
            say("Bringing the test template up to date with the migrations of cms_billing …")
            build(backend, complete, migrate_everything, base=dependencies)
            backend.prune()
    return complete


def build(
    backend: SQLite | PostgreSQL, name: str, migrate: Callable[[str], None], *, base: str | None = None
) -> None:
    """Build under another name, so that nobody ever copies half a template."""
    unfinished = backend.unfinished_name(name)
    if base:
        backend.copy(base, unfinished)
    else:
        backend.create(unfinished)
    try:
        migrate(unfinished)
    except BaseException:
        backend.drop(unfinished)
        raise
    backend.rename(unfinished, name)


def migrate_dependencies(database: str) -> None:
    run_migrate(database, CMS_BILLING_TEST_ONLY_DEPENDENCIES="1")


def migrate_everything(database: str) -> None:
    run_migrate(database)


def run_migrate(database: str, **environment: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--skip-checks", "--no-input", "--verbosity=1"],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTHONPATH": str(ROOT),
            "CMS_BILLING_TEST_DB_NAME": database,
            **environment,
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"The test template could not be migrated:\n{result.stdout}\n{result.stderr}")


def dependencies_hash() -> str:
    """Versions of the packages that bring the installed apps; other packages do not shape the schema."""
    apps = [app for app in settings.INSTALLED_APPS if not app.startswith(OUR_PACKAGES)]
    providers = importlib.metadata.packages_distributions()
    packages = {name for app in apps for name in providers.get(app.split(".")[0], [])}
    versions = sorted(f"{name}=={importlib.metadata.version(name)}" for name in packages)
    return digest(settings.DATABASE_KIND, settings.DEFAULT_AUTO_FIELD, *apps, *versions)


def schema_hash() -> str:
    """Our migrations, and what ``post_migrate`` adds without one: the triggers that freeze tables, the groups."""
    migrations = sorted(
        path for package in OUR_PACKAGES for path in (ROOT / package).rglob("migrations/*.py")
    )
    sources = (f"{path.relative_to(ROOT)}\n{contents(path)}" for path in migrations)
    groups = contents(ROOT / "cms_billing/core/roles.py")
    return digest(dependencies_hash(), *settings.CMS_BILLING_APPS, *sources, *frozen_tables(), groups)


def frozen_tables() -> Iterator[str]:
    from django.apps import apps

    from cms_billing.core import freezing, text_search

    apps.check_models_ready()
    yield contents(Path(freezing.__file__))
    for table, frozen in sorted(freezing._frozen.items()):
        yield f"{table} {frozen.when} {frozen.insert_when}"
    yield contents(Path(text_search.__file__))
    yield from (f"{table} {fields}" for table, (_model, fields) in sorted(text_search._searchable.items()))


def contents(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def process_is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


class Backend:
    @contextmanager
    def only_one_process_at_a_time(self) -> Iterator[None]:
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / f"lock-{type(self).__name__.lower()}").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class SQLite(Backend):
    """Databases are files below ``.cache/``."""

    def template_name(self, kind: str, key: str) -> str:
        return str(CACHE / f"{kind}-{key}.sqlite3")

    def unfinished_name(self, name: str) -> str:
        return f"{name}.{os.getpid()}.unfinished"

    def run_name(self, name: str) -> str:
        self._remove_left_over_runs()
        given = os.environ.get("CMS_BILLING_TEST_DB_NAME")
        if given:
            return f"{given}-{name}"
        return str(CACHE / f"run-{os.getpid()}-{name}.sqlite3")

    def exists(self, name: str) -> bool:
        return Path(name).exists()

    def create(self, name: str) -> None:
        self.drop(name)
        CACHE.mkdir(parents=True, exist_ok=True)

    def copy(self, source: str, target: str) -> None:
        """Through SQLite's backup, which waits for other connections and leaves them in a sound state."""
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        template = f"file:{source}?mode=ro&immutable=1"
        with (
            closing(sqlite3.connect(template, uri=True)) as origin,
            closing(sqlite3.connect(target, timeout=20)) as copy,
        ):
            copy.execute("PRAGMA synchronous=OFF")
            origin.backup(copy)

    def beginning_of(self, name: str) -> None:
        """Nothing is quicker than copying the file."""

    def rename(self, source: str, target: str) -> None:
        with closing(sqlite3.connect(source)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
        Path(source).replace(target)

    def drop(self, name: str) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(name + suffix).unlink(missing_ok=True)

    def prune(self) -> None:
        for kind in KINDS_OF_TEMPLATES:
            newest_first = sorted(CACHE.glob(f"{kind}-*.sqlite3"), key=lambda path: -path.stat().st_mtime)
            for path in newest_first[KEPT_TEMPLATES:]:
                self.drop(str(path))

    def _remove_left_over_runs(self) -> None:
        for path in CACHE.glob("run-*.sqlite3"):
            if not process_is_alive(path.name.split("-")[1]):
                self.drop(str(path))


class PostgreSQL(Backend):
    """Databases lie beside each other on one server; the name's prefix tells ours."""

    @property
    def prefix(self) -> str:
        return os.environ.get("CMS_BILLING_TEST_DB_NAME", "cms_billing_test")

    def template_name(self, kind: str, key: str) -> str:
        return f"cms_billing_{kind}_{key}"

    def unfinished_name(self, name: str) -> str:
        return f"{name}_unfinished_{os.getpid()}"

    def run_name(self, name: str) -> str:
        self._remove_left_over_runs()
        return f"{self.prefix}_{os.getpid()}_{name}"

    def exists(self, name: str) -> bool:
        return bool(self._rows("SELECT 1 FROM pg_database WHERE datname = %s", [name]))

    def create(self, name: str) -> None:
        self.drop(name)
        self._run(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")

    def copy(self, source: str, target: str) -> None:
        self.drop(target)
        self._run(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')

    def beginning_of(self, name: str) -> Beginning:
        return Beginning(partial(self.connect, name))

    def rename(self, source: str, target: str) -> None:
        self._run(f'ALTER DATABASE "{source}" RENAME TO "{target}"')
        self._run(f"COMMENT ON DATABASE \"{target}\" IS '{time.time():.0f}'")

    def drop(self, name: str) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def prune(self) -> None:
        for kind in KINDS_OF_TEMPLATES:
            newest_first = self._rows(
                "SELECT datname FROM pg_database WHERE datname ~ %s "
                "ORDER BY shobj_description(oid, 'pg_database') DESC NULLS LAST",
                [f"^cms_billing_{kind}_[0-9a-f]{{12}}$"],
            )
            for (name,) in newest_first[KEPT_TEMPLATES:]:
                self.drop(name)

    def _remove_left_over_runs(self) -> None:
        """Of processes that are no more and have no connection: a server may serve several machines."""
        abandoned = self._rows(
            "SELECT datname FROM pg_database WHERE datname ~ %s "
            "AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datname = pg_database.datname)",
            [f"^{self.prefix}_[0-9]+_"],
        )
        for (name,) in abandoned:
            if not process_is_alive(name.removeprefix(self.prefix).split("_")[1]):
                self.drop(name)

    def _run(self, statement: str) -> None:
        with self.connect() as connection:
            connection.execute(statement)

    def _rows(self, query: str, parameters: list[str]) -> list[tuple[str, ...]]:
        with self.connect() as connection:
            return connection.execute(query, parameters).fetchall()

    def connect(self, name: str = "postgres"):
        import psycopg

        server = settings.DATABASES["default"]
        try:
            return psycopg.connect(
                host=server["HOST"],
                port=server["PORT"],
                user=server["USER"],
                password=server["PASSWORD"] or None,
                dbname=name,
                autocommit=True,
                options=server["OPTIONS"]["options"],
            )
        except psycopg.OperationalError as problem:
            raise NoServer(
                f"PostgreSQL does not take {server['USER']} at {server['HOST']}:{server['PORT']}: {problem}\n"
                "Start it, or say where it is with PGHOST, PGPORT, PGUSER and PGPASSWORD."
            ) from problem


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings.__name__)
    django.setup()
    print(ready_template(backend_in_use(), say=print))
