"""Closed files in a real object storage: django-storages and boto3 talk to a process that speaks S3."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from wagtail.documents import get_document_model
from wagtail.images import get_image_model

from cms_billing.core.private_files import private_storage
from cms_billing.paywall.checks_files import object_storage_is_private
from cms_billing.paywall.files.names import is_private
from cms_billing.paywall.files.services import remove_collection_rule, set_collection_rule
from cms_billing.testing.factories import PlanFactory, UserFactory

from .conftest import client_of, in_dunning, member
from .files import TEXT, Library, new_collection, new_document, new_image, sent
from .proxies import free_port
from .s3_server import KEY, SECRET

NEEDED = ("boto3", "flask", "flask_cors", "moto", "storages")
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not all(map(find_spec, NEEDED)), reason="No S3 to talk to: pip install cms-billing[test]"
    ),
]
PUBLIC, PRIVATE = "site-media", "site-private"
EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of the server."""
    port = free_port()
    top = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.paywall.s3_server", str(port)],
        cwd=top,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(top), os.environ.get("PYTHONPATH", "")])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _wait_for(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _wait_for(process: subprocess.Popen, port: int) -> None:
    for _try in range(600):
        if process.poll() is not None:
            pytest.fail(f"S3 stopped: {process.stderr.read().decode()}")
        try:
            assert ask(f"http://127.0.0.1:{port}/_told")[0] == 200
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("S3 does not answer")


def ask(url: str, method: str = "GET", **headers: str) -> tuple[int, bytes, http.client.HTTPMessage]:
    """As somebody's browser, without any key."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc, timeout=20)
    connection.request(method, f"{where.path}?{where.query}" if where.query else where.path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body, response.headers


def bucket(address: str, name: str, **options: Any) -> dict[str, Any]:
    """As the documentation says, with where and who."""
    where = {"endpoint_url": address, "access_key": KEY, "secret_key": SECRET, "region_name": "eu-central-1"}
    how = {"addressing_style": "path", "signature_version": "s3v4"}
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {"bucket_name": name, **where, **how, **options},
    }


@pytest.fixture
def buckets(s3, settings) -> Any:
    import boto3

    client = boto3.client(
        "s3", endpoint_url=s3, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="eu-central-1"
    )
    for name in (PUBLIC, PRIVATE):
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    # Many sites have this line, and mean their media.
    settings.AWS_DEFAULT_ACL = "public-read"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "cms_billing.paywall.files.storage.MediaStorage",
            "OPTIONS": {"public": "media_bucket"},
        },
        "media_bucket": bucket(s3, PUBLIC, querystring_auth=False),
        "cms_billing_private": bucket(
            s3, PRIVATE, default_acl="private", querystring_auth=True, querystring_expire=60
        ),
    }
    settings.CMS_BILLING = {**settings.CMS_BILLING, "FILES_SENT_BY_STORAGE": True}
    yield client
    for name in (PUBLIC, PRIVATE):
        for key in keys_in(client, name):
            client.delete_object(Bucket=name, Key=key)
        client.delete_bucket(Bucket=name)


def keys_in(client: Any, name: str) -> list[str]:
    return [entry["Key"] for entry in client.list_objects_v2(Bucket=name).get("Contents", [])]


@pytest.fixture
def library(buckets) -> Library:
    collection, plan = new_collection(), PlanFactory(name="Course")
    set_collection_rule(collection=collection, plans=[plan])
    return Library(collection, new_document(collection), new_image(collection), plan)


def signed_address(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 302, response
    assert response["Cache-Control"] == "private, no-store"
    return response["Location"]


def test_a_member_is_sent_to_an_address_that_the_storage_has_signed(library, s3):
    reader = client_of(member(library.plan)[0])
    for file, start in (
        (library.document.file, TEXT[:4]),
        (library.image.file, b"\x89PNG"),
        (library.image.get_rendition("width-20").file, b"\x89PNG"),
    ):
        address = signed_address(reader, file.url)
        assert address.startswith(f"{s3}/{PRIVATE}/protected/")
        assert parse_qs(urlsplit(address).query)["X-Amz-Expires"] == ["60"]
        status, body, _headers = ask(address)
        assert (status, body[:4]) == (200, start)
    status, body, headers = ask(signed_address(reader, library.document.file.url), Range="bytes=4-9")
    assert (status, body, headers["Content-Range"]) == (206, TEXT[4:10], f"bytes 4-9/{len(TEXT)}")


def test_who_has_no_access_gets_no_address(library):
    locked, contract = member(library.plan)
    in_dunning(contract, level=3, locked=True)
    for who, statuses in (
        (Client(), (302, 403)),
        (client_of(UserFactory()), (403,)),
        (client_of(locked), (402,)),
    ):
        for url in (library.document.url, library.document.file.url, library.image.file.url):
            for response in (who.get(url), who.head(url)):
                assert response.status_code in statuses
                assert "Signature" not in response.get("Location", "")
                assert TEXT not in sent(response)


def test_an_address_is_over_after_its_seconds(library, settings, s3):
    private = bucket(s3, PRIVATE, default_acl="private", querystring_auth=True, querystring_expire=1)
    settings.STORAGES = {**settings.STORAGES, "cms_billing_private": private}
    address = signed_address(client_of(member(library.plan)[0]), library.document.file.url)
    assert ask(address)[0] == 200
    time.sleep(2.1)
    status, body, _headers = ask(address)
    assert (status, b"AccessDenied" in body, TEXT in body) == (403, True, False)


def test_an_altered_address_opens_nothing(library, s3):
    address = signed_address(client_of(member(library.plan)[0]), library.document.file.url)
    other = library.image.file.name
    for altered in (
        address.partition("?")[0],
        address.replace("X-Amz-Expires=60", "X-Amz-Expires=86400"),
        address.replace(library.document.file.name, other),
        address[:-1] + ("0" if address[-1] != "0" else "1"),
        address.replace("X-Amz-Signature=", "X-Amz-Signature=0"),
        f"{s3}/{PRIVATE}/{library.document.file.name}?Signature=x",
    ):
        status, body, _headers = ask(altered)
        assert status == 403, altered
        assert TEXT not in body
    for method in ("PUT", "DELETE"):
        assert ask(address, method)[0] == 403


def test_nothing_private_is_ever_made_public(library, buckets, s3):
    """Though the site's media are: uploads, renditions, moves there and back."""
    library.image.get_rendition("width-20")
    outside = new_collection("Open")
    public = new_document(outside, "flyer.pdf")
    document = library.document
    document.collection = outside
    document.save()
    document.refresh_from_db()
    document.collection = library.collection
    document.save()

    keys = keys_in(buckets, PRIVATE)
    assert len(keys) == 3
    for key in keys:
        grants = buckets.get_object_acl(Bucket=PRIVATE, Key=key)["Grants"]
        assert not [grant for grant in grants if grant["Grantee"].get("URI") == EVERYONE]
        assert ask(f"{s3}/{PRIVATE}/{key}")[0] == 403
    assert ask(f"{s3}/{PUBLIC}/{public.file.name}")[0] == 200
    told = json.loads(ask(f"{s3}/_told")[1])
    assert any(line.startswith(f"PUT /{PUBLIC}/") for line in told), "the list is not blind"
    assert not any(line.startswith(f"PUT /{PRIVATE}/") for line in told)


def test_old_public_addresses_die_when_a_collection_is_closed(buckets, s3):
    collection = new_collection()
    document, image = new_document(collection), new_image(collection)
    rendition = image.get_rendition("width-20")
    old = [f"{s3}/{PUBLIC}/{file.file.name}" for file in (document, image, rendition)]
    assert [default_storage.url(document.file.name), *old[1:]] == old
    assert [ask(url)[0] for url in old] == [200, 200, 200]

    plan = PlanFactory()
    set_collection_rule(collection=collection, plans=[plan])

    assert [ask(url)[0] for url in old] == [404, 404, 404]
    assert keys_in(buckets, PUBLIC) == []
    document = get_document_model().objects.get()
    assert is_private(document.file.name)
    assert ask(signed_address(client_of(member(plan)[0]), document.file.url))[1] == TEXT

    remove_collection_rule(collection=collection)
    assert keys_in(buckets, PRIVATE) == []
    assert ask(get_document_model().objects.get().file.url)[1] == TEXT
    assert ask(get_image_model().objects.get().file.url)[0] == 200


def test_head_is_answered_here_because_addresses_are_signed_for_get(library):
    reader = client_of(member(library.plan)[0])
    response = reader.head(library.document.file.url)
    assert response.status_code == 200
    assert response["Content-Length"] == str(len(TEXT))
    assert response["Content-Type"] == "application/pdf"


def test_the_site_sends_the_bytes_itself_unless_told_otherwise(library, settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "FILES_SENT_BY_STORAGE": False}
    reader, url = client_of(member(library.plan)[0]), library.document.file.url
    full = reader.get(url)
    assert (full.status_code, sent(full)) == (200, TEXT)
    part = reader.get(url, headers={"Range": "bytes=4-9"})
    assert (part.status_code, sent(part)) == (206, TEXT[4:10])
    assert reader.get(url, headers={"If-None-Match": full["ETag"]}).status_code == 304
    assert Client().get(url).status_code == 302


def test_a_file_that_is_gone_is_missing(library):
    private_storage().delete(library.document.file.name)
    assert client_of(member(library.plan)[0]).get(library.document.file.url).status_code == 404


@pytest.mark.usefixtures("buckets")
@pytest.mark.parametrize(
    ("options", "sends", "found"),
    [
        ({"default_acl": "private"}, True, ""),
        ({}, True, "for everybody"),
        ({"default_acl": "private", "querystring_auth": False}, True, "does not sign"),
        ({"default_acl": "private", "custom_domain": "cdn.example"}, True, "does not sign"),
        ({"default_acl": "private", "querystring_auth": False}, False, ""),
    ],
)
def test_options_that_the_storage_has_from_elsewhere_are_found(s3, settings, options, sends, found):
    """AWS_DEFAULT_ACL and the like are meant for media, and count for every storage that says nothing of its own."""
    settings.STORAGES = {**settings.STORAGES, "cms_billing_private": bucket(s3, PRIVATE, **options)}
    settings.CMS_BILLING = {**settings.CMS_BILLING, "FILES_SENT_BY_STORAGE": sends}
    errors = object_storage_is_private(None)
    assert bool(errors) == bool(found)
    assert all(found in error.msg and error.id == "cms_billing.E150" for error in errors)
