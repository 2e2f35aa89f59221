"""nginx sends private files itself, configured as the documentation says: to whom the site lets, and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django_sendfile.utils import _get_sendfile as of_library
from wagtail.documents import get_document_model
from wagtail.utils.sendfile import _get_sendfile

from cms_billing.paywall.files.services import set_collection_rule
from cms_billing.paywall.services import set_rule
from cms_billing.paywall.sharing.services import create_gift
from cms_billing.paywall.terms import RuleTerms
from cms_billing.testing.factories import UserFactory
from tests.testsite.models import StoryPage

from . import proxies
from .conftest import member
from .files import TEXT, Library, new_collection, new_document, new_image
from .proxies import Answer, Proxy
from .test_caching_proxy import cookies_of, session_of
from .test_files_by_page import text_with

pytestmark = pytest.mark.django_db(transaction=True)
INSIDE = "/_private/"


@pytest.fixture
def library(magazine) -> Library:
    collection = new_collection()
    set_collection_rule(collection=collection, plans=[magazine.plan])
    return Library(collection, new_document(collection), new_image(collection), magazine.plan)


@pytest.fixture
def folder(settings) -> Path:
    return Path(settings.STORAGES["cms_billing_private"]["OPTIONS"]["location"])


@pytest.fixture
def nginx(live_server, tmp_path, settings, folder) -> Iterator[Proxy]:
    settings.SENDFILE_BACKEND = "django_sendfile.backends.nginx"
    settings.SENDFILE_ROOT = str(folder)
    settings.SENDFILE_URL = INSIDE.rstrip("/")
    _forget_backends()
    with proxies.nginx(live_server.url, tmp_path, private=str(folder)) as running:
        yield running
    _forget_backends()


def _forget_backends() -> None:
    _get_sendfile.clear()
    of_library.cache_clear()


@pytest.fixture
def reader(library) -> dict[str, str]:
    return session_of(member(library.plan)[0])


def is_refused(answer: Answer, *statuses: int) -> bool:
    return answer.status in statuses and TEXT not in answer.content and b"PNG" not in answer.content


def test_a_member_gets_the_bytes_from_nginx_and_a_guest_none(nginx, library, reader):
    document, image = library.document.file.url, library.image.get_rendition("width-20").url
    for _twice in range(2):
        full = nginx.get(document, **reader)
        assert (full.status, full.content) == (200, TEXT)
        assert full.headers["ETag"], "nginx says this, the site's answer has no bytes to say it of"
        assert nginx.get(image, **reader).content.startswith(b"\x89PNG")
        assert is_refused(nginx.get(document), 302)
        assert is_refused(nginx.get(image), 403)
        assert is_refused(nginx.get(document, **session_of(UserFactory())), 403)
        assert is_refused(nginx.get(document, Cookie="sessionid=stolen"), 302)


def test_what_the_site_says_of_a_file_comes_along(nginx, library, reader):
    for url, kind, name in (
        (library.document.file.url, "application/pdf", "handbook.pdf"),
        (library.image.file.url, "image/png", Path(library.image.file.name).name),
    ):
        answer = nginx.get(url, **reader)
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["Content-Disposition"] == f'inline; filename="{name}"'
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Robots-Tag"] == "noindex, noarchive"
        assert answer.headers["Vary"] == "Cookie"
        assert answer.headers["X-Accel-Redirect"] is None
        assert answer.headers["Content-Encoding"] is None


def test_head_ranges_and_conditions(nginx, library, reader):
    url = library.document.file.url
    head = nginx.get(url, method="HEAD", **reader)
    assert (head.status, head.content, head.headers["Content-Length"]) == (200, b"", str(len(TEXT)))
    part = nginx.get(url, Range="bytes=4-9", **reader)
    assert (part.status, part.content) == (206, TEXT[4:10])
    assert part.headers["Content-Range"] == f"bytes 4-9/{len(TEXT)}"
    end = nginx.get(url, Range="bytes=-5", **reader)
    assert (end.status, end.content) == (206, TEXT[-5:])
    assert nginx.get(url, Range=f"bytes={len(TEXT)}-", **reader).status == 416
    etag = nginx.get(url, **reader).headers["ETag"]
    known = nginx.get(url, If_None_Match=etag, **reader)
    assert (known.status, known.content) == (304, b"")


def test_no_header_helps_a_guest(nginx, library, reader):
    url = library.document.file.url
    nginx.get(url, **reader)
    for headers in (
        {"Range": "bytes=0-9"},
        {"If_None_Match": "*"},
        {"X_Accel_Redirect": f"{INSIDE}protected/"},
        {"X_Original_URL": "/"},
        {"host": "evil.example"},
    ):
        for method in ("GET", "HEAD"):
            assert is_refused(nginx.get(url, method=method, **headers), 302, 400, 403, 404), headers


# The inner address, as somebody outside may spell it.
SPELT = [
    "/_private/{name}",
    "/_private//{name}",
    "//_private/{name}",
    "/./_private/{name}",
    "/x/../_private/{name}",
    "/%5fprivate/{name}",
    "/_private/x/../{name}",
    "/_private/%2e/{name}",
    "/_PRIVATE/{name}",
    "/_private/{name}?_ga=1",
    "/_private/{name}/",
    "/_private../private/{name}",
    "/_private%2f{name}",
    "/billing/files/../../_private/{name}",
    "/billing/files/..%2f..%2f_private%2f{name}",
]


def test_the_inner_address_is_not_reached_from_outside(nginx, library, reader):
    for name in (library.document.file.name, library.image.file.name, "protected/"):
        for path in (spelt.format(name=name) for spelt in SPELT):
            for who in ({}, reader):
                for method in ("GET", "HEAD", "POST"):
                    answer = nginx.get(path, method=method, Content_Length="0", **who)
                    assert is_refused(answer, 301, 302, 403, 404, 405), (method, path)


UPWARDS = ["..", "../..", "%2e%2e", "..%2f..", "%2e%2e%2f%2e%2e", "..%5c..", "....//"]


def test_no_way_leads_out_of_the_folder(nginx, library, reader, folder):
    """Beside the files of closed collections lie those of others, around them the machine's."""
    (folder / "beside.txt").write_bytes(TEXT)
    starts = ("/billing/files/", "/billing/files/d1/", INSIDE, f"{INSIDE}protected/")
    for start, path, end in product(starts, UPWARDS, ("beside.txt", "etc/passwd")):
        for who in ({}, reader):
            answer = nginx.get(f"{start}{path}/{end}", **who)
            assert is_refused(answer, 301, 302, 400, 403, 404), (start, path, end)
            assert "root:" not in answer.body


NAMES = [
    "Grüße aus Köln.pdf",
    "100 % Noten.pdf",
    "a%2e%2eb.pdf",
    "Saiten + Griffe.pdf",
    "weißer Käfig – 音楽.pdf",
    "a;b,c.pdf",
]


def test_names_as_people_write_them(nginx, library, reader):
    for name in NAMES:
        url = named(library, name).file.url
        assert unquote(url).endswith(f"/{name}")
        answer = nginx.get(url, **reader)
        assert (answer.status, answer.content) == (200, TEXT), name
        assert "filename" in answer.headers["Content-Disposition"]
        assert nginx.get(url, method="HEAD", **reader).status == 200
        assert nginx.get(url, Range="bytes=0-3", **reader).content == TEXT[:4]
        assert is_refused(nginx.get(url), 302)


def named(library: Library, name: str) -> Any:
    """With its name as it came, past Django's upload form, which is stricter."""
    document = get_document_model()(title=name, collection=library.collection)
    place = f"protected/d{get_random_string(5)}/{name}"
    document.file.name = document.file.storage.save(place, ContentFile(TEXT, name=name))
    document.save()
    return document


def test_a_gift_opens_the_files_of_its_page_through_nginx(nginx, library, magazine):
    set_rule(page=magazine.section, plans=[magazine.plan], terms=RuleTerms(gifts=1))
    story = magazine.section.add_child(
        instance=StoryPage(title="Chords", slug="chords", body=[("text", text_with(library))])
    )
    giver, _contract = member(magazine.plan)
    _link, token = create_gift(giver=giver, page=story, today=timezone.localdate(), now=timezone.now())
    opened = nginx.get(reverse("cms_billing:open_gift", args=[token]), Sec_Fetch_Mode="navigate")
    brought: dict[str, Any] = cookies_of(opened)
    stray = new_document(library.collection, "stray.pdf")

    assert nginx.get(library.document.file.url, **brought).content == TEXT
    assert nginx.get(library.image.file.url, **brought).status == 200
    assert is_refused(nginx.get(stray.file.url, **brought), 302)
    assert is_refused(nginx.get(library.document.file.url), 302)


def test_a_file_that_is_gone_is_missing_and_not_an_error(nginx, library, reader):
    library.document.file.storage.delete(library.document.file.name)
    assert nginx.get(library.document.file.url, **reader).status == 404
