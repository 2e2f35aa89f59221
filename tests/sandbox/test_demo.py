from io import StringIO

import pytest
from django.core.management import call_command
from oscar.core.loading import get_model
from wagtail.models import Page, Site

from sandbox.site.demo import billing, content, files, learning, people, shop
from sandbox.site.demo.artwork import PALETTES, draw_cover


@pytest.mark.usefixtures("empty_sandbox")
def test_nothing_counts_as_loaded_in_an_empty_sandbox():
    assert not content.content_is_loaded()
    assert not shop.shop_is_loaded()
    assert not people.people_are_loaded()


def test_loading_twice_changes_nothing(demo, monkeypatch):
    monkeypatch.setattr(billing, "billing_is_loaded", lambda: True)
    monkeypatch.setattr(learning, "learning_is_loaded", lambda: True)
    monkeypatch.setattr(files, "files_are_loaded", lambda: True)
    before = Page.objects.count(), get_model("catalogue", "Product").objects.count()
    out = StringIO()

    call_command("sandbox_load", stdout=out)

    assert "nichts zu tun" in out.getvalue()
    assert (Page.objects.count(), get_model("catalogue", "Product").objects.count()) == before


def test_the_logins_are_printed_with_their_password(sandbox_settings):
    out = StringIO()

    call_command("sandbox_logins", stdout=out)

    assert "rueckstand2@saitenweg.example" in out.getvalue()
    assert "saitenweg" in out.getvalue().splitlines()[-1]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://localhost:8123", "http://localhost:8123"),
        ("https://demo.example.org", "https://demo.example.org"),
    ],
)
def test_pages_have_the_address_that_the_sandbox_is_started_at(demo, settings, address, expected):
    settings.SITE_URL = address
    call_command("sandbox_address")
    assert Site.objects.get(is_default_site=True).root_url == expected


def test_a_cover_is_the_same_picture_every_time():
    assert draw_cover("leaves", size=(160, 90)) == draw_cover("leaves", size=(160, 90))


@pytest.mark.parametrize("name", PALETTES)
def test_every_cover_is_a_jpeg(name):
    assert draw_cover(name, size=(160, 90))[:2] == b"\xff\xd8"
