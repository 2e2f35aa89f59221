"""Which installation a database belongs to: how a copy of it is told from the original.

A dump that is restored, a disk that is cloned or a file that is copied takes everything along that the database knows.
What it cannot take along is where it wakes up; that is the fingerprint. Every process of one installation must come to
the same one – web server, workers, commands, on all its machines and after each deployment – and every copy to another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from urllib.parse import urlsplit

_ON_THIS_MACHINE = {"", "localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Fingerprint:
    """``site``: host of the public address. ``place``: the name of the installation, else where its database is.

    ``database``: its name, of SQLite the path. ``server``: the identity PostgreSQL gives a server when it is set up,
    which a restored dump does not bring along; "" where there is none to be had.
    """

    site: str
    place: str
    database: str
    server: str


@dataclass(frozen=True)
class DatabaseAddress:
    """As the settings have it: ``host`` and ``port`` may be empty; ``is_file`` for SQLite, whose ``name`` is a path."""

    name: str
    host: str = ""
    port: str = ""
    is_file: bool = False

    @property
    def is_on_this_machine(self) -> bool:
        return self.is_file or self.host in _ON_THIS_MACHINE or self.host.startswith("/")


@dataclass(frozen=True)
class Machine:
    """Where this process runs. In a container the host name is drawn by lot at every start."""

    name: str
    is_container: bool = False


def fingerprint_of(
    *, site_url: str, installation: str, database: DatabaseAddress, machine: Machine, server: str
) -> Fingerprint:
    """``installation`` is the name an integrator gave it, or ""."""
    return Fingerprint(
        site=host_of(site_url),
        place=installation or place_of(database, machine),
        database=database.name,
        server=server,
    )


def host_of(url: str) -> str:
    """Host and port, in lower case: ``https`` or not, and which path, make no other site."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def place_of(database: DatabaseAddress, machine: Machine) -> str:
    """Many machines may work on one database server, so its address counts and theirs does not.

    A database on the machine itself has an address that is the same everywhere (``localhost``): there the machine's
    name counts, unless it is a container's.
    """
    if not database.is_on_this_machine:
        return f"{database.host}:{database.port or 5432}"
    return "" if machine.is_container else machine.name


@dataclass(frozen=True)
class Difference:
    """One field of the fingerprint: what was confirmed, and what is found now."""

    field: str
    confirmed: str
    found: str


def differences(confirmed: Fingerprint, found: Fingerprint) -> Iterator[Difference]:
    """What makes this a copy; nothing for the original. What is unknown on one side only counts as another."""
    for field in fields(Fingerprint):
        before, now = getattr(confirmed, field.name), getattr(found, field.name)
        if before != now:
            yield Difference(field.name, before, now)
