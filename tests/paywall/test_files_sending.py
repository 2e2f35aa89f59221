"""HEAD, ranges and conditional requests on a protected file, and other ways to send it."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from cms_billing.core import private_files
from cms_billing.core.byte_ranges import ByteRange, NotSatisfiable, asked_range
from cms_billing.core.private_files import private_storage, send

CONTENT = bytes(range(256)) * 4


@pytest.fixture
def stored(tmp_path, settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "cms_billing_private": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path), "base_url": None},
        },
    }
    return private_storage().save("protected/d1/film.mp4", ContentFile(CONTENT))


def ask(stored, method="get", **headers):
    request = getattr(RequestFactory(headers=headers), method)("/")
    return send(request, private_storage(), stored)


def test_whole_file_says_that_it_takes_ranges(stored):
    response = ask(stored)
    assert response.status_code == 200
    assert response.getvalue() == CONTENT
    assert response["Accept-Ranges"] == "bytes"
    assert response["Content-Length"] == "1024"
    assert response["Content-Type"] == "video/mp4"
    assert response["Content-Disposition"] == 'inline; filename="film.mp4"'
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Robots-Tag"] == "noindex, noarchive"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=1000-", 1000, 1023),
        ("bytes=-24", 1000, 1023),
        ("bytes=0-9999", 0, 1023),
    ],
)
def test_one_range_is_sent_alone(stored, asked, first, last):
    response = ask(stored, Range=asked)
    assert response.status_code == 206
    assert response.getvalue() == CONTENT[first : last + 1]
    assert response["Content-Range"] == f"bytes {first}-{last}/1024"
    assert response["Content-Length"] == str(last + 1 - first)


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=-0", "bytes=5000-6000"])
def test_range_behind_the_end_is_refused_with_the_size(stored, asked):
    response = ask(stored, Range=asked)
    assert response.status_code == 416
    assert response["Content-Range"] == "bytes */1024"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=9-1", "bytes=a-b", "bytes=", "bytes=--1"]
)
def test_several_ranges_and_nonsense_get_the_whole_file(stored, asked):
    response = ask(stored, Range=asked)
    assert response.status_code == 200
    assert response.getvalue() == CONTENT


def test_head_has_the_length_and_no_range(stored):
    response = ask(stored, "head", Range="bytes=0-1")
    assert response.status_code == 200
    assert response["Content-Length"] == "1024"


def test_known_file_is_not_sent_again(stored):
    first = ask(stored)
    assert ask(stored, **{"If-None-Match": first["ETag"]}).status_code == 304
    assert ask(stored, **{"If-Modified-Since": first["Last-Modified"]}).status_code == 304
    response = ask(stored, **{"If-None-Match": '"another"'})
    assert response.status_code == 200
    assert ask(stored, **{"If-None-Match": first["ETag"]})["Cache-Control"] == "private, no-store"


def test_range_of_a_file_that_changed_meanwhile_gets_all_of_it(stored):
    etag = ask(stored)["ETag"]
    assert ask(stored, **{"Range": "bytes=0-1", "If-Range": etag}).status_code == 206
    assert ask(stored, **{"Range": "bytes=0-1", "If-Range": '"old"'}).status_code == 200


def test_web_server_sends_where_the_site_says_so(stored, settings, tmp_path):
    pytest.importorskip("django_sendfile")
    from django_sendfile.utils import _get_sendfile as of_library
    from wagtail.utils.sendfile import _get_sendfile

    settings.SENDFILE_BACKEND = "django_sendfile.backends.nginx"
    settings.SENDFILE_ROOT = str(tmp_path)
    settings.SENDFILE_URL = "/private"
    _get_sendfile.clear()
    of_library.cache_clear()
    response = ask(stored)
    assert response["X-Accel-Redirect"] == "/private/protected/d1/film.mp4"
    assert response["Cache-Control"] == "private, no-store"
    assert response["Content-Type"] == "video/mp4"
    _get_sendfile.clear()


class FarAway(FileSystemStorage):
    """Like an object storage: no path on this machine, addresses that it signs."""

    def path(self, name):
        raise NotImplementedError

    def exists(self, name):
        return True

    def url(self, name):
        return f"https://bucket.example/{name}?signature=abc"


def test_object_storage_sends_at_an_address_of_its_own(settings):
    settings.CMS_BILLING = {**settings.CMS_BILLING, "FILES_SENT_BY_STORAGE": True}
    response = private_files.send(RequestFactory().get("/"), FarAway(), "protected/d1/film.mp4")
    assert response.status_code == 302
    assert response["Location"].endswith("?signature=abc")
    assert response["Cache-Control"] == "private, no-store"


@given(size=st.integers(0, 300), first=st.integers(0, 400), last=st.integers(0, 400))
def test_ranges_never_leave_the_file(size, first, last):
    try:
        part = asked_range(f"bytes={first}-{last}", size=size)
    except NotSatisfiable:
        assert first >= size
        return
    if part is None:
        assert last < first
    else:
        assert part == ByteRange(first, min(last, size - 1), size)
        assert 0 <= part.first <= part.last < size
