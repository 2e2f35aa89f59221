"""The sandbox's database: SQLite in ``var/`` unless SANDBOX_DATABASE_URL names another."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


def database_from(environment: Mapping[str, str], *, folder: Path) -> dict[str, Any]:
    url = environment.get("SANDBOX_DATABASE_URL", "")
    if not url:
        return sqlite(folder / "db.sqlite3")
    scheme = urlsplit(url).scheme
    if scheme in {"postgres", "postgresql"}:
        return postgresql(url)
    if scheme == "sqlite":
        return sqlite(Path(urlsplit(url).path))
    raise ValueError(
        f"SANDBOX_DATABASE_URL starts with {scheme!r}; it must look like "
        "postgres://user:password@host:5432/name or sqlite:////path/db.sqlite3."
    )


def sqlite(path: Path) -> dict[str, Any]:
    """A writer takes its lock at BEGIN and waits for the other, so server and worker share the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


def postgresql(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }
