"""Uploads for letterheads: what is kept of them, what is refused and how, and that nothing is ever fetched."""

import io
import socket
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from cms_billing.faktura.rendering.page_images import page_images
from cms_billing.faktura.rendering.renderers import WeasyPrintRenderer
from cms_billing.faktura.rendering.underlay import underlay
from cms_billing.faktura.uploads import child, sandbox
from cms_billing.faktura.uploads.background import FORM
from cms_billing.faktura.uploads.exceptions import REASONS, UploadRefused
from cms_billing.faktura.uploads.refusal import Refused
from cms_billing.faktura.uploads.sandbox import clean_background, clean_logo

from . import letterhead_files as files


class Listener:
    """A server that ought to hear nothing."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.heard = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _address = self.socket.accept()
            except OSError:
                return
            self.heard += 1
            connection.close()


@pytest.fixture(scope="module")
def listener():
    listener = Listener()
    yield listener
    listener.socket.close()


def refusal(clean, content: bytes) -> str:
    with pytest.raises(UploadRefused) as refused:
        clean(content, name="Brief.pdf")
    assert "Brief.pdf" in str(refused.value)
    return refused.value.code


def test_a_pdf_keeps_its_drawing_and_nothing_that_acts():
    cleaned = clean_background(files.with_actions(), name="a.pdf")
    reader = PdfReader(io.BytesIO(cleaned))
    assert len(reader.pages) == 1
    for gone in (b"JavaScript", b"/JS", b"alert", b"/URI", b"/Annots", b"/AA", b"EmbeddedFile", b"virus"):
        assert gone not in cleaned
    assert "Briefkopf" in reader.pages[0].extract_text()
    assert clean_background(files.with_actions(), name="a.pdf") == cleaned


@pytest.mark.parametrize(
    ("form", "mode"), [("PNG", "RGB"), ("PNG", "RGBA"), ("JPEG", "CMYK"), ("WEBP", "RGB")]
)
def test_a_picture_becomes_a_page(form, mode):
    cleaned = clean_background(files.picture(1240, 1754, form, mode), name="a")
    [page] = PdfReader(io.BytesIO(cleaned)).pages
    assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
    assert FORM in page["/Resources"]["/XObject"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unknown"),
        (b"MZ not a picture", "unknown"),
        (files.svg(), "unknown"),
        (b"%PDF-1.7 and then nothing", "broken"),
        (files.picture(1240, 1754)[:300], "broken"),
        (files.written(files.drawing(pages=0)), "no_page"),
        (files.written(files.drawing(size=(612, 792))), "not_a4"),
        (files.picture(1754, 1240), "not_a4"),
        (files.picture(210, 297), "too_small"),
        (files.picture(20_000, 28_280, mode="1"), "too_many_pixels"),
    ],
    ids=["empty", "program", "svg", "no pdf", "half", "no page", "letter", "landscape", "small", "pixels"],
)
def test_a_background_that_cannot_be_one_is_refused_with_its_reason(content, code):
    assert refusal(clean_background, content) == code


def test_a_protected_pdf_is_refused():
    writer = files.drawing()
    writer.encrypt("secret")
    assert refusal(clean_background, files.written(writer)) == "encrypted"


def test_a_large_file_is_refused_before_anything_reads_it(monkeypatch):
    monkeypatch.setattr(sandbox.subprocess, "run", None)
    assert refusal(clean_background, b"%PDF-" + bytes(sandbox.LARGEST_BACKGROUND)) == "too_large"


@pytest.mark.parametrize(
    "content", [files.multiplying(), files.inflating()], ids=["multiplying", "inflating"]
)
def test_a_pdf_that_grows_is_given_up_in_time(monkeypatch, content):
    monkeypatch.setattr(sandbox, "SECONDS", 12)
    began = time.monotonic()
    assert refusal(clean_background, content) in ("too_complex", "broken")
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + files.svg("<text>&a;</text>"), "doctype"),
        (b'<!DOCTYPE svg SYSTEM "http://127.0.0.1:1/x.dtd">' + files.svg(), "doctype"),
        (files.svg("<script>1</script>"), "script"),
        (files.svg(attributes='onload="1"'), "script"),
        (files.svg('<animate attributeName="x"/>'), "script"),
        (files.svg("<foreignObject><p>x</p></foreignObject>"), "element"),
        (files.svg('<image href="data:image/png;base64,AAAA"/>'), "element"),
        (files.svg('<use xlink:href="http://127.0.0.1:1/x.svg#a"/>'), "external"),
        (files.svg('<rect style="fill: url(http://127.0.0.1:1/x)"/>'), "external"),
        (files.svg("<style>@import 'http://127.0.0.1:1/x.css';</style>"), "external"),
        (files.svg('<style>rect { fill: u\\72l("http://127.0.0.1:1/") }</style>'), "external"),
        (files.svg('<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>'), "loop"),
        (files.laughing(), "too_complex"),
        (files.svg("<rect/>" * 6_000), "too_complex"),
        (files.svg("<g>" * 3_000 + "</g>" * 3_000), "too_complex"),
        (b"<html><svg", "broken"),
        (files.svg()[:150], "broken"),
    ],
    ids=[
        "entity", "dtd", "script", "event", "animation", "foreign", "image", "use", "url", "import", "escape",
        "loop", "nested use", "many", "deep", "half", "open",
    ],
)  # fmt: skip
def test_an_svg_that_is_more_than_a_drawing_is_refused_with_its_reason(content, code):
    with pytest.raises(Refused) as refused:
        child.clean("logo", content)
    assert refused.value.code == code
    assert code in REASONS


def test_logos_are_written_anew():
    cleaned = clean_logo(
        files.svg('<metadata>me</metadata><!-- x --><rect width="9" height="9"/>'), name="l.svg"
    )
    assert b"metadata" not in cleaned
    assert b"<rect" in cleaned
    raster = clean_logo(files.picture(3000, 500, mode="RGBA"), name="l.png")
    assert Image.open(io.BytesIO(raster)).size == (1600, 267)


def test_a_child_that_cannot_start_is_told_politely(monkeypatch):
    monkeypatch.setattr(sandbox, "_python", lambda: "/nowhere/python")
    assert refusal(clean_background, files.picture(1240, 1754)) == "not_now"


ADDRESSES = st.sampled_from(
    [
        "http://127.0.0.1:{port}/x.svg#a",
        "HTTP://127.0.0.1:{port}/x",
        "//127.0.0.1:{port}/x",
        " http://127.0.0.1:{port}/",
        "http:\\/\\/127.0.0.1:{port}",
        "ftp://127.0.0.1:{port}/x",
        "file:///etc/passwd",
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'%3E%3Cimage href='http://127.0.0.1:{port}/'/%3E%3C/svg%3E",
        "#a",
        "java\tscript:x",
    ]
)
PARTS = st.sampled_from(
    [
        '<image href="{a}" width="5" height="5"/>',
        '<image xlink:href="{a}"/>',
        '<use href="{a}"/>',
        '<use xlink:href="{a}" id="a"/>',
        '<rect id="a" fill="url({a})" width="9" height="9"/>',
        '<rect style="fill:url(&quot;{a}&quot;); mask: url({a})"/>',
        "<style>@import url({a});</style>",
        "<style>@import '{a}'; @font-face {{ font-family: x; src: url({a}) }} text {{ font-family: x }}</style>",
        "<style>rect {{ fill: u\\rl({a}) }}</style>",
        '<g clip-path="url( \'{a}\' )"><text font-family="x">Logo</text></g>',
        '<filter id="f"><feImage href="{a}"/></filter><rect filter="url({a})"/>',
        '<a href="{a}"><text>x</text></a>',
        '<linearGradient id="a" href="{a}"/><pattern id="b" xlink:href="{a}"><rect/></pattern>',
        '<?xml-stylesheet href="{a}" type="text/css"?>',
        "<text>ok</text>",
        '<rect width="20" height="10" fill="#a0c"/>',
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(PARTS, ADDRESSES), min_size=1, max_size=5))
def test_no_svg_ever_makes_the_server_ask_anybody(listener, parts):
    body = "".join(part.format(a=address.format(port=listener.port)) for part, address in parts)
    content = files.svg(body)
    answer, cleaned = child._answer("logo", content)
    assert answer["code"] in {"", *REASONS}
    assert str(listener.port).encode() not in cleaned
    assert b"file:" not in cleaned
    # Even what nobody has cleaned fetches nothing, when it is rendered.
    page = f'<img src="data:image/svg+xml;utf8,x"><div>{body}</div><style>@import "http://127.0.0.1:{listener.port}"</style>'
    WeasyPrintRenderer().render(page, css=f"@import url(http://127.0.0.1:{listener.port}/a.css);")
    assert listener.heard == 0


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_no_damaged_file_does_harm(data):
    """Bytes cut, swapped and overwritten: a cleaned page, or a refusal that is known."""
    whole = data.draw(
        st.sampled_from(
            [
                files.with_actions(),
                files.written(files.drawing()),
                files.picture(620, 877),
                files.picture(620, 877, "JPEG"),
            ]
        )
    )
    content = bytearray(whole)
    for _time in range(data.draw(st.integers(0, 12))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    answer, cleaned = child._answer("background", bytes(content[: data.draw(st.integers(50, len(content)))]))
    if answer["code"]:
        assert answer["code"] in REASONS
    else:
        assert len(page_images(cleaned, width=60)) == 1


def test_backgrounds_lie_under_the_pages_they_are_for():
    renderer = WeasyPrintRenderer()
    pages = "".join(f'<p style="break-after: page">Seite {n}</p>' for n in range(2)) + "<p>Seite 2</p>"
    pdf = renderer.render(f"<body>{pages}</body>", css="@page { size: A4; margin: 40mm } p { color: white }")
    first = clean_background(files.written(files.drawing(b"1 0 0 rg 0 0 600 850 re f")), name="red")
    following = clean_background(files.written(files.drawing(b"0 0 1 rg 0 0 600 850 re f")), name="blue")
    merged = underlay(pdf, first=first, following=following)
    assert underlay(pdf, first=first, following=following) == merged
    colours = [
        Image.open(io.BytesIO(page)).convert("RGB").getpixel((10, 10))
        for page in page_images(merged, width=60)
    ]
    assert colours == [(255, 0, 0), (0, 0, 255), (0, 0, 255)]
    reader = PdfReader(io.BytesIO(merged))
    assert "Seite 1" in reader.pages[1].extract_text()
    assert reader.trailer["/ID"] == PdfReader(io.BytesIO(pdf)).trailer["/ID"]
    assert underlay(pdf, first=None, following=None) == pdf


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_page_lies_as_it_is_seen(rotation):
    size = files.A4 if rotation == 180 else files.A4[::-1]
    corner = b"1 0 0 rg 0 0 60 60 re f"
    writer = files.drawing(corner, size=size)
    writer.pages[0].rotate(rotation)
    cleaned = clean_background(files.written(writer), name="turned")
    seen = Image.open(io.BytesIO(page_images(files.written(writer), width=100)[0])).convert("RGB")
    ours = Image.open(io.BytesIO(page_images(cleaned, width=100)[0])).convert("RGB").resize(seen.size)
    for spot in ((5, 5), (94, 5), (5, 136), (94, 136)):
        assert ours.getpixel(spot) == seen.getpixel(spot)
