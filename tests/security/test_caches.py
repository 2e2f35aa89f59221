"""With Django's cache in front of everything: no full text comes out of it, and no teaser to members."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from tests.paywall.conftest import client_of, in_dunning, member

from .conftest import ARTICLE, tells

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cache_in_front")]


VARIANTS = [
    ARTICLE,
    f"{ARTICLE}?utm_source=x",
    "/magazine/str%69ngs/",
]


@pytest.mark.parametrize("path", VARIANTS)
def test_member_first_then_everybody_else(magazine, reader, outsiders, path):
    for _turn in range(2):
        assert tells(reader.get(path))
        for who, client in outsiders.all.items():
            assert not tells(client.get(path)), who


@pytest.mark.parametrize("path", VARIANTS)
def test_everybody_else_first_then_the_member(magazine, reader, outsiders, path):
    for _turn in range(2):
        for who, client in outsiders.all.items():
            assert not tells(client.get(path)), who
        assert tells(reader.get(path))


def test_head_of_a_member_is_no_get_of_a_guest(magazine, reader, outsiders):
    reader.head(ARTICLE)
    assert not tells(outsiders.guest.get(ARTICLE))
    outsiders.guest.head(ARTICLE)
    assert tells(reader.get(ARTICLE))


def test_key_is_not_confused_by_headers(magazine, reader, outsiders):
    """Headers that caches like to leave out of the key."""
    for headers in (
        {"X-Forwarded-Host": "evil.example"},
        {"X-Original-URL": "/"},
        {"Accept-Encoding": "gzip"},
        {"Accept-Language": "de"},
        {"Accept": "application/json"},
    ):
        assert tells(reader.get(ARTICLE, headers=headers))
        assert not tells(outsiders.guest.get(ARTICLE, headers=headers))
        text = outsiders.guest.get(ARTICLE).content.decode()
        assert "evil.example" not in text


def test_cached_answer_does_not_outlive_a_lock(magazine):
    user, contract = member(magazine.plan)
    client = client_of(user)
    assert tells(client.get(ARTICLE))
    in_dunning(contract, level=3, locked=True)
    response = client.get(ARTICLE)
    assert response.status_code == 402
    assert not tells(response)
    assert response["Cache-Control"] == "private, no-store"


def test_nothing_of_a_member_is_stored(magazine, reader):
    reader.get(ARTICLE)
    assert not [
        key for key in cache._cache if "cache_page" in key and "_GET" in key.upper() and "strings" in key
    ]
    stored = [cache.get(key.split(":", 2)[2]) for key in list(cache._cache) if "cache_page" in key]
    assert not [response for response in stored if response is not None and tells(response)]
