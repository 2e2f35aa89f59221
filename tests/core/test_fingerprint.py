"""What makes a copy, and what does not: the rule, on the ways sites are run."""

import pytest

from cms_billing.core.fingerprint import (
    DatabaseAddress,
    Difference,
    Fingerprint,
    Machine,
    differences,
    fingerprint_of,
    host_of,
)

REMOTE = DatabaseAddress(name="academy", host="db.internal")
SOCKET = DatabaseAddress(name="academy")
FILE = DatabaseAddress(name="/srv/academy/db.sqlite3", is_file=True)
WEB1 = Machine("web1")


def at(
    database=REMOTE,
    machine=WEB1,
    *,
    site_url="https://www.example.org",
    installation="",
    server="7710939848509564988",
) -> Fingerprint:
    return fingerprint_of(
        site_url=site_url, installation=installation, database=database, machine=machine, server=server
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (at(), at(machine=Machine("worker7"))),
        (at(), at(machine=Machine("3f9a0c1b2d4e", is_container=True))),
        (at(), at(DatabaseAddress(name="academy", host="db.internal", port="5432"))),
        (at(), at(site_url="http://WWW.example.org/shop/")),
        (at(SOCKET, Machine("a1", is_container=True)), at(SOCKET, Machine("b2", is_container=True))),
        (at(installation="production"), at(SOCKET, Machine("elsewhere"), installation="production")),
    ],
    ids=[
        "a worker on another machine",
        "a container among machines",
        "the default port written out",
        "https and a path",
        "a container started again",
        "a named installation behind a pooler",
    ],
)
def test_one_installation_has_one_fingerprint(one, other):
    assert one == other


@pytest.mark.parametrize(
    ("original", "copy", "differs"),
    [
        (at(), at(site_url="https://staging.example.org"), ["site"]),
        (at(), at(server="7500000000000000000"), ["server"]),
        (at(), at(server=""), ["server"]),
        (at(), at(DatabaseAddress(name="academy", host="staging-db.internal")), ["place"]),
        (at(), at(DatabaseAddress(name="academy_test", host="db.internal")), ["database"]),
        (at(SOCKET), at(SOCKET, Machine("laptop")), ["place"]),
        (at(FILE, server=""), at(FILE, Machine("laptop"), server=""), ["place"]),
        (
            at(FILE, server=""),
            at(DatabaseAddress("/home/kim/academy/db.sqlite3", is_file=True), Machine("laptop"), server=""),
            ["place", "database"],
        ),
        (at(installation="production"), at(installation="staging"), ["place"]),
        (at(installation="production"), at(installation="production", server="75"), ["server"]),
    ],
    ids=[
        "another address",
        "a dump on another server with the same address",
        "a server that does not tell its identity",
        "a snapshot under another address",
        "another database of the same server",
        "a cloned disk",
        "a file copied to the same path",
        "a file copied elsewhere",
        "another name",
        "a dump where the name was taken along",
    ],
)
def test_a_copy_has_another_fingerprint(original, copy, differs):
    assert [found.field for found in differences(original, copy)] == differs


def test_a_difference_says_what_was_and_what_is():
    [found] = differences(at(), at(site_url="https://staging.example.org:8443"))
    assert found == Difference("site", "www.example.org", "staging.example.org:8443")


def test_passwords_in_an_address_are_not_part_of_it():
    assert host_of("https://kim:secret@www.example.org/") == "www.example.org"


def test_an_empty_address_is_no_error():
    assert host_of("") == ""
