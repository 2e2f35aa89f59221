"""Is this the installation that may talk to the outside, or a copy of its database?

A service that calls a provider or a bank outside the outbox begins with ``require_original()``. The outbox asks by
itself, and so do, once more, the last doors: ``faktura.transport`` and ``payments.providers.pace``.

Nothing is remembered between two questions: a running staging site becomes a copy at the very moment last night's dump
replaces its database. A question costs one look at a table of one row.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from django.db import DEFAULT_DB_ALIAS, ProgrammingError, connections, transaction
from django.utils.translation import gettext as _

from .conf import billing_settings
from .exceptions import CopySendsNothing
from .fingerprint import DatabaseAddress, Difference, Fingerprint, Machine, differences, fingerprint_of
from .models import Installation
from .services import remember_installation

# Container engines leave a file, Kubernetes a variable.
_SIGNS_OF_A_CONTAINER = (Path("/.dockerenv"), Path("/run/.containerenv"))


def is_copy() -> bool:
    """Does this database belong to another installation? One that belongs to none yet becomes this one's."""
    return installation().fingerprint != current_fingerprint()


def require_original() -> None:
    """Raises CopySendsNothing on a copy. A kind of NotYet: work in the outbox is put back and not counted."""
    if is_copy():
        raise CopySendsNothing(
            _(
                "Nothing is sent and no payment is taken: this site runs on a copy of its database. If this is the "
                "original in a new place, an administrator confirms it under Settings › Installation."
            )
        )


def differences_to_original() -> Iterator[Difference]:
    return differences(installation().fingerprint, current_fingerprint())


def installation() -> Installation:
    """The row, written by whoever asks first."""
    return Installation.objects.first() or remember_installation(fingerprint=current_fingerprint())


def current_fingerprint() -> Fingerprint:
    """Of this process, as its settings are now."""
    settings = billing_settings()
    database = database_address()
    return fingerprint_of(
        site_url=settings.site_url,
        installation=settings.installation,
        database=database,
        machine=this_machine(),
        server=_server_identity(database),
    )


def database_address() -> DatabaseAddress:
    connection = connections[DEFAULT_DB_ALIAS]
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return DatabaseAddress(name=os.path.abspath(given["NAME"]), is_file=True)
    return DatabaseAddress(
        name=str(given["NAME"]), host=str(given["HOST"] or "").lower(), port=str(given["PORT"] or "")
    )


@lru_cache(maxsize=1)
def this_machine() -> Machine:
    signs = any(path.exists() for path in _SIGNS_OF_A_CONTAINER)
    return Machine(socket.gethostname().lower(), signs or "KUBERNETES_SERVICE_HOST" in os.environ)


@lru_cache(maxsize=32)
def _server_identity(database: DatabaseAddress) -> str:
    """Of PostgreSQL, asked once a process and database: made by ``initdb``, kept by replicas and base backups."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "postgresql":
        return ""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT system_identifier FROM pg_control_system()")
            return str(cursor.fetchone()[0])
    except ProgrammingError:  # some hosts do not let one ask; they have addresses that differ
        return ""
