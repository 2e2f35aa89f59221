"""The leak check of a site that is served: through a real web server, with sessions, and when the server fails it."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from wagtail.models import Page

from cms_billing.paywall.files.services import set_collection_rule
from cms_billing.paywall.leakcheck import over_http
from cms_billing.paywall.leakcheck.clients import Probe
from cms_billing.paywall.leakcheck.over_http import CannotCheck, OverHttp
from cms_billing.paywall.leakcheck.visitors import Visitor
from cms_billing.testing.factories import UserFactory
from tests.testsite.models import ArticlePage

from . import proxies
from .conftest import client_of, member
from .files import TEXT, new_collection, new_document, new_image
from .test_leakcheck import STRINGS, printing

GUEST = Visitor("guest", "guest")


def run(*arguments: str) -> tuple[int, str]:
    """Exit status, and everything that was printed."""
    out, status = StringIO(), 0
    try:
        call_command("billing_leakcheck", *arguments, stdout=out, stderr=out)
    except SystemExit as stopped:
        status = int(stopped.code or 0)
    except CommandError as error:
        status = error.returncode
        out.write(str(error))
    return status, out.getvalue()


def key_of(user) -> str:
    return client_of(user).cookies["sessionid"].value


# Through a web server


@pytest.fixture
def served(magazine, live_server, tmp_path):
    """The magazine behind nginx, which sends public files by itself."""
    magazine.article.body = STRINGS
    magazine.article.save()
    magazine.section.body = ""
    magazine.section.save()
    Page.objects.get(pk=magazine.home.pk).add_child(instance=ArticlePage(title="About us", slug="about"))
    (tmp_path / "nginx").mkdir()
    with proxies.file_server(
        live_server.url, Path(django_settings.MEDIA_ROOT), tmp_path / "nginx"
    ) as running:
        magazine.url = f"http://{running.address}"
        yield magazine


@pytest.mark.django_db(transaction=True)
def test_leaks_are_found_through_the_web_server(served, monkeypatch, caplog, tmp_path):
    reader, _contract = member(served.plan)
    stranger = UserFactory()
    keys = [key_of(reader), key_of(stranger)]
    (tmp_path / "key").write_text(f"{keys[1]}\n")
    asked = [
        f"--base-url={served.url}",
        f"--session={reader.get_username()}={keys[0]}",
        f"--session={stranger.get_username()}=@{tmp_path / 'key'}",
    ]
    status, text = run(*asked, "--door=page", "--door=other page", "--door=feed")
    assert (status, "✓ page" in text, "0 leaks" in text) == (0, True, True), text

    monkeypatch.setattr(ArticlePage, "serve", printing(f"<main>{STRINGS}</main>"))
    status, printed = run(*asked, "--door=other page", "--json")
    assert status == 1
    data = json.loads(printed)
    assert data["visitors"] == [reader.get_username(), stranger.get_username(), "guest"]
    found = {(one["kind"], one["visitor"]) for one in data["findings"]}
    assert ("text", stranger.get_username()) in found
    assert ("cached", reader.get_username()) in found
    assert ("text", reader.get_username()) not in found, "a member may read it"
    for key in keys:
        assert key not in text + printed + caplog.text


@pytest.mark.django_db(transaction=True)
def test_file_that_the_web_server_hands_out_although_its_collection_is_closed(served):
    collection = new_collection()
    document = new_document(collection)
    image = new_image(collection)
    set_collection_rule(collection=collection, plans=[served.plan])
    document.refresh_from_db()
    assert document.file.name.startswith("protected/")
    arguments = (f"--base-url={served.url}", "--door=file")
    status, text = run(*arguments)
    assert status == 0, text

    # Somebody has brought the old files back, or never taken them away.
    old = Path(django_settings.MEDIA_ROOT) / "documents" / Path(document.file.name).name
    picture = Path(django_settings.MEDIA_ROOT) / "original_images" / Path(image.file.name).name
    for place, content in ((old, TEXT), (picture, b"another picture of that name")):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    try:
        status, text = run(*arguments)
    finally:
        old.unlink()
        picture.unlink()
    assert status == 1
    assert f"/media/documents/{old.name}" in text
    assert picture.name not in text, "what lies there is not the file"
    assert run("--door=file")[0] == 0, "the check in this process cannot see it"


@pytest.mark.django_db(transaction=True)
def test_session_keys_that_the_server_does_not_take(served):
    reader, _contract = member(served.plan)
    name = reader.get_username()
    status, text = run(f"--base-url={served.url}", f"--session={name}=stolenstolenstolenstolen12345678")
    assert status == 2
    assert f"does not take the session key for {name} as a login" in text
    assert "stolen" not in text
    other = key_of(UserFactory())
    status, text = run(f"--base-url={served.url}", f"--session={name}={other}")
    assert status == 2
    assert f"The session key for {name} belongs to somebody else." in text
    assert other not in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nobody=abcabcabc", "there is no user 'nobody'"),
        ("secretsecret", "give the name of a user"),
        ("{user}=", "give the name of a user"),
        ("{user}=secret\r\nX-Evil: 1", "cannot be the key of a session"),
        ("{user}=@/nowhere/at/all", "/nowhere/at/all cannot be read"),
    ],
)
def test_sessions_that_cannot_be(given, said):
    text_given = given.format(user=UserFactory().get_username())
    status, text = run("--base-url=http://127.0.0.1:9", f"--session={text_given}")
    assert status == 2
    assert said in text
    assert "secret" not in text
    assert "abcabcabc" not in text


@pytest.mark.django_db
def test_nobodys_key_is_in_what_is_written_of_a_visitor():
    assert "abc" not in repr(Visitor("user-1", "mia", user=object(), cookie="abc"))


# When the server does not play along


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler], None], *, certificate: Path | None = None):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *args: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: object) -> None:
            pass

    running = Quiet(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        running.socket = context.wrap_socket(running.socket, server_side=True)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


def saying(status: int, body: bytes = b"hello", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def asked_once(address: str, **options: float):
    with closing(OverHttp(f"http://{address}", **options)) as client:
        return client.ask(Probe("page", "/"), GUEST)


@pytest.mark.django_db
def test_server_that_is_not_there():
    status, text = run(f"--base-url=http://127.0.0.1:{proxies.free_port()}")
    assert (status, "cannot be reached: Connection refused" in text) == (2, True), text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (saying(301, Location="https://elsewhere.example/"), "sends everybody to https://elsewhere.example."),
        (saying(400), "does ALLOWED_HOSTS have its name?"),
        (saying(401), "asks for a password"),
        (saying(403), "answers its start page with status 403"),
        (saying(502), "answers its start page with status 502"),
    ],
)
def test_server_that_cannot_be_asked(answer, said):
    with server(answer) as address:
        status, text = run(f"--base-url=http://{address}")
    assert status == 2
    assert said in text


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["www.example.org", "ftp://example.org", "http://example.org/magazine/"])
def test_addresses_that_are_no_servers(address):
    status, text = run(f"--base-url={address}")
    assert status == 2
    assert "Give the address of the server alone" in text


@pytest.mark.django_db
def test_server_without_a_certificate_and_with_one_that_nobody_signed(tmp_path):
    with server(saying(200)) as address:
        status, text = run(f"--base-url=https://{address}")
    assert (status, "no secure connection" in text) == (2, True), text
    with server(saying(200), certificate=certificate_in(tmp_path)) as address:
        status, text = run(f"--base-url=https://{address}")
    assert (status, "its certificate is not valid (self-signed certificate)" in text) == (2, True), text


def certificate_in(folder: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    made = folder / "made.pem"
    wanted = f"openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -keyout {made}"
    subprocess.run(
        [*wanted.split(), "-out", str(folder / "certificate.pem")],
        check=True,
        capture_output=True,
    )
    made.write_text(made.read_text() + (folder / "certificate.pem").read_text())
    return made


@pytest.mark.django_db
def test_server_that_never_answers():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        status, text = run(f"--base-url=http://127.0.0.1:{silent.getsockname()[1]}", "--timeout=0.3")
    assert status == 2
    assert "no answer within 0.3 seconds" in text


@pytest.mark.django_db
def test_server_that_goes_away_meanwhile(magazine):
    """What was found is told, and that it is not all."""
    with server(saying(200, Connection="close")) as address:
        client = OverHttp(f"http://{address}", timeout=1)
        assert client.ask(Probe("page", "/"), GUEST).status == 200
    for _time in range(over_http.MOST_FAILURES - 1):
        assert client.ask(Probe("page", "/"), GUEST).error
    with pytest.raises(CannotCheck, match="no longer answers"):
        client.ask(Probe("page", "/"), GUEST)


def test_answer_that_drips_has_an_end():
    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        for _time in range(100):
            request.wfile.write(b"x")
            request.wfile.flush()
            if stop.wait(0.05):
                return

    stop = threading.Event()
    with server(drip) as address:
        answer = asked_once(address, timeout=0.4)
        stop.set()
    assert answer.error == "no answer within 0.4 seconds"


def test_connection_is_kept_and_made_anew():
    ports = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        ports.append(request.client_address[1])
        saying(200)(request)
        # Says nothing and hangs up after the second one.
        request.close_connection = len(ports) == 2

    with server(answer) as address:
        client = OverHttp(f"http://{address}", timeout=2)
        assert [client.ask(Probe("page", "/"), GUEST).status for _time in range(4)] == [200] * 4
        client.close()
    assert len(ports) == 4, "nothing is asked twice"
    assert ports[0] == ports[1] != ports[2] == ports[3]


def test_headers_in_small_letters_packed_answers_and_cookies_twice():
    import gzip

    body = gzip.compress(b"<p>text</p>")
    with server(saying(200, body, content_type="text/html", content_encoding="gzip")) as address:
        answer = asked_once(address)
    assert (answer.body, answer.content_type) == (b"<p>text</p>", "text/html")
    with server(saying(200, b"??", content_encoding="br")) as address:
        answer = asked_once(address)
    assert (answer.status, answer.error) == (0, "UnreadableEncoding")


def test_password_of_a_test_site_goes_along_and_is_not_told():
    seen = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        seen.append(request.headers.get("Authorization"))
        saying(502)(request)

    with (
        server(answer) as address,
        closing(OverHttp(f"http://mia:open%20sesame@{address}")) as client,
        pytest.raises(CannotCheck) as refused,
    ):
        client.greet([])
    assert seen == ["Basic bWlhOm9wZW4gc2VzYW1l"]
    assert "sesame" not in str(refused.value)


def test_other_sites_of_the_same_server_are_asked_for_by_their_names():
    seen = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        seen.append((request.headers["Host"], request.path))
        saying(200)(request)

    with (
        server(answer) as address,
        closing(OverHttp(f"http://{address}", stands_for="www.example.org")) as client,
    ):
        for url in ("http://www.example.org/a/", "/b/", "http://shop.example.org/c/", "/straße/?q=ü"):
            client.ask(Probe("page", url), GUEST)
    paths = [(address, "/a/"), (address, "/b/"), ("shop.example.org", "/c/")]
    assert seen == [*paths, (address, "/stra%C3%9Fe/?q=%C3%BC")]


def test_redirect_to_another_host_is_not_followed():
    from cms_billing.paywall.leakcheck.redirects import followed, gives_a_file_away

    asked = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        target = {"/out/": "https://bucket.example/x", "/in/": "/there/"}.get(request.path)
        saying(302 if target else 200, **({"Location": target} if target else {}))(request)

    with server(answer) as address, closing(OverHttp(f"http://{address}")) as client:
        for url in ("/out/", "/in/"):
            probe = Probe("view", url)
            first = client.ask(probe, GUEST)
            last, _answer = followed(client, probe, GUEST, first)
            assert gives_a_file_away(client, probe, first) == (url == "/out/")
            assert last.url == {"/out/": "/out/", "/in/": "/there/"}[url]
    assert asked == ["/out/", "/in/", "/there/"]


@pytest.mark.django_db
def test_page_that_is_not_there_is_no_green(magazine):
    """The server has another database: nothing was checked, and it says so."""
    with server(saying(404)) as address:
        status, text = run(f"--base-url=http://{address}", "--door=page", "--strict")
    assert status == 1
    assert "The address could not be checked." in text
