"""Files of closed collections, asked for as an attacker would."""

import pytest
from django.db import transaction
from django.test import Client
from wagtail.images import get_image_model

from cms_billing.paywall.files.links import signed_url
from cms_billing.paywall.files.moving import settle_files
from cms_billing.paywall.files.names import is_private
from cms_billing.paywall.files.selectors import protected_files
from cms_billing.paywall.files.services import set_collection_rule
from cms_billing.testing.factories import PlanFactory
from tests.paywall.conftest import client_of, march_31st, member  # noqa: F401
from tests.paywall.files import TEXT, Library, new_collection, new_document, new_image, sent

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(db, monkeypatch) -> Library:
    monkeypatch.setattr(transaction, "on_commit", lambda then, using=None, robust=False: then())
    collection, plan = new_collection(), PlanFactory(name="Course")
    set_collection_rule(collection=collection, plans=[plan])
    library = Library(collection, new_document(collection), new_image(collection), plan)
    library.image.get_rendition("width-20")
    return library


@pytest.fixture
def urls(library) -> list[str]:
    return [url for file in protected_files() for url in file.urls]


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-9"},
        {"Range": "bytes=99999999-"},
        {"If-None-Match": "*"},
        {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        {"Accept": "application/json"},
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example"},
        {"X-Accel-Redirect": "/private/"},
        {"X-Original-URL": "/"},
        {"Cookie": "sessionid=wrong"},
        {"Authorization": "Basic YTpi"},
    ],
)
def test_no_header_tells_a_guest_anything(urls, headers):
    for url in urls:
        response = Client(headers=headers).get(url)
        assert response.status_code in (302, 403), url
        assert "evil.example" not in response.get("Location", "")
        assert not {"ETag", "Content-Range", "Accept-Ranges", "Last-Modified"} & set(response.headers)
        assert TEXT not in sent(response)
        assert response["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_no_method_gets_the_file(urls, library, method):
    user, _contract = member(library.plan)
    for url in urls:
        for client in (Client(), client_of(user)):
            response = getattr(client, method)(url)
            assert response.status_code in (302, 403, 405), (method, url)
            assert TEXT not in sent(response)


@pytest.mark.parametrize(
    "spelt",
    [
        "/billing/files//{rest}",
        "/billing/files/./{rest}",
        "/billing/files/x/../{rest}",
        "/billing/files/%2e%2e/files/{rest}",
        "/BILLING/files/{rest}",
        "/media/protected/{rest}",
        "/media/../private/protected/{rest}",
        "/documents/0/{rest}",
    ],
)
def test_no_spelling_gets_the_file(library, spelt):
    for file in (library.document, library.image):
        url = spelt.format(rest=file.file.name.removeprefix("protected/"))
        response = Client().get(url, follow=True)
        assert TEXT not in sent(response)
        assert not response.get("Content-Type", "").startswith("image/")


def test_cookies_of_two_people_swapped(library):
    """What the browser keeps of a member is nothing to the next person at it: nothing is kept."""
    user, _contract = member(library.plan)
    client = client_of(user)
    assert client.get(library.image.file.url).status_code == 200
    client.logout()
    assert client.get(library.image.file.url).status_code == 403


def test_signed_link_opens_one_file_alone(library):
    user, _contract = member(library.plan)
    other = new_document(library.collection, "other.pdf", b"another document")
    url = signed_url(library.document, user=user)
    assert sent(Client().get(url)) == TEXT
    assert sent(Client().get(url.replace("handbook.pdf", other.filename))) == TEXT
    assert Client().post(url).status_code == 405
    token = url.split("/")[-2]
    for door in ("/billing/files/", "/billing/downloads/"):
        assert Client().get(f"{door}{token}/other.pdf").status_code in (403, 404)


def test_signed_link_does_not_log_anybody_in(library):
    user, _contract = member(library.plan)
    client = Client()
    client.get(signed_url(library.document, user=user))
    assert not client.cookies
    assert client.get(library.image.file.url).status_code == 403


def test_scaled_copy_made_while_the_collection_was_closed_is_taken_down(library):
    """Another process still had the image as it was, and left a copy at a public address."""
    rendition = library.image.renditions.get()
    public = "images/late.width-20.png"
    rendition.file.storage.save(public, rendition.file.open())
    type(rendition).objects.filter(pk=rendition.pk).update(file=public)
    assert settle_files() == 1
    assert not rendition.file.storage.exists(public)
    fresh = get_image_model().objects.get(pk=library.image.pk)
    assert is_private(fresh.get_rendition("width-20").file.name)
